"""The containers are wired as the program and the repository expect."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from client.keys import NAME
from orchestrator.cli.app import app
from orchestrator.server.command import RESTRICTED

ROOT = Path(__file__).parents[2]
RESET = object()


class ComposeLoader(yaml.SafeLoader):
    """Reads Compose's own tag: the key is taken away when files are merged."""


ComposeLoader.add_constructor("!reset", lambda _loader, _node: RESET)


def read(name: str) -> dict[str, Any]:
    text = (ROOT / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, ComposeLoader)  # noqa: S506 - it is a safe loader
    return loaded


def merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in override.items():
        if value is RESET:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = read("docker-compose.yml")["services"]
    return found


def test_the_server_loads_exactly_the_models_of_the_repository(services: dict[str, Any]) -> None:
    command = services["triton"]["command"]
    loaded = {flag.split("=")[1] for flag in command if flag.startswith("--load-model=")}
    assert loaded == {path.parent.name for path in ROOT.glob("model_repository/*/config.pbtxt")}
    assert "--model-control-mode=explicit" in command


def test_the_server_is_reached_from_this_machine_only(services: dict[str, Any]) -> None:
    ports = services["triton"]["ports"]
    assert ports == [f"127.0.0.1:{port}:{port}" for port in (8000, 8001, 8002)]
    assert "ports" not in services["orchestrator"]


def started(services: dict[str, Any], folder: Path, key: str) -> list[str]:
    """The arguments with which the container's command starts the server."""
    program = folder / "tritonserver"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="ascii")
    program.chmod(0o755)
    command = [word.replace("$$", "$") for word in services["triton"]["command"]]
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, env={"PATH": path, "LIPSYNC_KEY": key}, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_the_key_opens_what_the_embedded_server_keeps_to_itself_too(
    services: dict[str, Any], tmp_path: Path
) -> None:
    arguments = started(services, tmp_path, "s3cret")
    assert f"--grpc-restricted-protocol={RESTRICTED}:{NAME}=s3cret" in arguments
    assert f"--http-restricted-api={RESTRICTED}:{NAME}=s3cret" in arguments
    assert arguments[0] == "--model-repository=/models"


def test_without_a_key_nobody_has_it(services: dict[str, Any], tmp_path: Path) -> None:
    keys = set()
    for _ in range(2):
        (flag,) = [a for a in started(services, tmp_path, "") if a.startswith("--grpc-restricted")]
        keys.add(flag.partition(f"{NAME}=")[2])
    assert len(keys) == 2
    assert all(len(key) == 64 for key in keys)


def test_models_and_inputs_are_mounted_read_only(services: dict[str, Any]) -> None:
    volumes = [v for service in services.values() for v in service["volumes"]]
    assert [v for v in volumes if not v.endswith(":ro")] == ["${OUT:-./out}:/out"]


def test_a_job_waits_until_the_models_are_ready(services: dict[str, Any]) -> None:
    assert services["orchestrator"]["depends_on"]["triton"]["condition"] == "service_healthy"
    assert "/v2/health/ready" in services["triton"]["healthcheck"]["test"][-1]


def test_the_server_reserves_a_gpu_and_the_override_takes_only_that_away(
    services: dict[str, Any],
) -> None:
    (device,) = services["triton"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    cpu = merge(services, read("docker-compose.cpu.yml")["services"])
    assert "deploy" not in cpu["triton"]
    without_gpu = {key: value for key, value in services["triton"].items() if key != "deploy"}
    assert cpu == {**services, "triton": without_gpu}


def test_the_default_job_is_a_command_line_that_the_program_takes(
    services: dict[str, Any],
) -> None:
    name, *arguments = services["orchestrator"]["command"]
    command: Any = typer.main.get_command(app)
    context = command.commands[name].make_context(name, list(arguments))
    assert context.params["url"] == "triton:8001"
    for parameter in ("video", "audio"):
        path = Path(context.params[parameter])
        assert path.parent == Path("/inputs")
        assert (ROOT / "tests" / "data" / path.name).is_file()
    assert Path(context.params["output"]).parent == Path("/out")


def test_the_image_is_built_from_files_that_exist_and_reach_the_builder(
    services: dict[str, Any],
) -> None:
    dockerfile = (ROOT / services["orchestrator"]["build"]["dockerfile"]).read_text("utf-8")
    copied = [line.split()[1] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    assert set(copied) == allowed
    assert all((ROOT / path).exists() for path in copied)


def test_the_image_installs_the_locked_packages_and_runs_without_root() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert "--require-hashes" in dockerfile
    assert "USER 1000" in dockerfile
    assert "FROM python:3.11-slim" in dockerfile
