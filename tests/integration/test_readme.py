"""Every command that the README prints does what it says, in the order in which it is printed."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINKED = ("Makefile", "README.md", "pyproject.toml", ".venv", ".triton", ".uv")

pytestmark = pytest.mark.server


def commands() -> list[str]:
    text = "\n".join(BLOCK.findall((ROOT / "README.md").read_text("utf-8")))
    return [" ".join(shlex.split(line, comments=True)) for line in text.splitlines() if line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout, so that results do not land in the real one."""
    path = tmp_path_factory.mktemp("checkout")
    for entry in ROOT.iterdir():
        if entry.name in LINKED or not entry.name.startswith((".", "out")):
            (path / entry.name).symlink_to(entry)
    return path


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """What `source .venv/bin/activate` sets."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "120"}


def has_docker_engine() -> bool:
    return (
        shutil.which("docker") is not None
        and subprocess.run(["docker", "info"], capture_output=True).returncode == 0
    )


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    result = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def printed(word: str) -> list[str]:
    return [command for command in commands() if word in command]


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def served(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """`orchestrator serve` as printed, until the module's tests are done."""
    if any(is_taken(port) for port in (8000, 8001, 8002)):
        pytest.skip("another program listens on Triton's usual ports")
    (command,) = printed("orchestrator serve")
    server = subprocess.Popen(
        shlex.split(command), cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    yield server.stdout.readline()
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=15) in (0, 128 + signal.SIGINT)


def test_the_commands_are_those_that_are_tested_here() -> None:
    known = ("make ", "source ", "orchestrator ", "python -m ", "docker compose ")

    assert len(commands()) >= 10
    assert [command for command in commands() if not command.startswith(known)] == []


def test_make_demo_makes_a_video(folder: Path, environment: dict[str, str]) -> None:
    kept = "--old-file=.venv/.done --old-file=.triton/.done"  # both environments run these tests

    output = run(f"make {kept} demo", folder, environment)

    assert "out/demo.mp4: 201 frames" in output
    assert (folder / "out" / "demo.mp4").stat().st_size > 100_000


def test_make_test_runs_the_whole_suite(folder: Path, environment: dict[str, str]) -> None:
    assert ".venv/bin/pytest" in run("make --dry-run test", folder, environment).split()


@pytest.mark.parametrize("target", ["check", "help"])
def test_make_targets_exist(folder: Path, environment: dict[str, str], target: str) -> None:
    assert run(f"make --dry-run {target}", folder, environment)


@pytest.mark.parametrize("command", [c for c in printed("orchestrator generate") if "url" not in c])
def test_generate_makes_the_video_that_it_names(
    folder: Path, environment: dict[str, str], command: str
) -> None:
    run(command, folder, environment)

    output = shlex.split(command)[shlex.split(command).index("--output") + 1]
    assert (folder / output).stat().st_size > 100_000


@pytest.mark.parametrize("command", printed("orchestrator preview"))
def test_preview_makes_the_picture_that_it_names(
    folder: Path, environment: dict[str, str], command: str
) -> None:
    run(command, folder, environment)

    output = shlex.split(command)[shlex.split(command).index("--output") + 1]
    assert (folder / output).stat().st_size > 50_000


def test_a_running_server_takes_jobs(
    served: str, folder: Path, environment: dict[str, str]
) -> None:
    (command,) = printed("--url")

    assert "127.0.0.1:8001" in served
    run(command, folder, environment)


def test_the_doctor_looks_at_everything(folder: Path, environment: dict[str, str]) -> None:
    (command,) = printed("orchestrator doctor")

    result = subprocess.run(
        shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True
    )

    assert result.returncode in (0, 1), result.stderr  # 1: something is wrong on this machine
    assert "model repository" in result.stdout


@pytest.mark.parametrize("command", printed("export.builtin"))
def test_recipes_explain_themselves(
    folder: Path, environment: dict[str, str], command: str
) -> None:
    assert "Usage" in run(command, folder, environment).replace("usage", "Usage")


def test_the_sync_of_the_result_is_measured(folder: Path, environment: dict[str, str]) -> None:
    (command,) = printed("benchmarks.sync")

    assert "in sync" in run(command, folder, environment)


def test_the_faces_are_measured_and_shown(folder: Path, environment: dict[str, str]) -> None:
    (command,) = printed("benchmarks.quality")

    told = run(command, folder, environment)

    assert "version 1" in told
    assert "version 2" in told
    assert list((folder / "out" / "sheets").glob("*.png"))


@pytest.mark.parametrize("command", printed("docker compose"))
def test_containers_serve_the_repository(
    folder: Path, environment: dict[str, str], command: str
) -> None:
    if not has_docker_engine():
        pytest.skip("no Docker engine runs here; test_compose.py checks the files")
    run(command.replace("up -d --wait triton", "config --quiet"), folder, environment)


def test_the_repository_is_looked_at_and_compared_with_the_server(
    served: str, folder: Path, environment: dict[str, str]
) -> None:
    alone, against = printed("orchestrator validate")

    assert "ok       wenet" in run(alone, folder, environment)
    assert "127.0.0.1:8001" in served
    assert "ok       wenet" in run(against, folder, environment)
