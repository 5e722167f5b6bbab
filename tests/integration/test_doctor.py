"""`orchestrator doctor` as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from orchestrator.doctor.ports import check_ports
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.runtime import CHECKOUT

pytestmark = pytest.mark.server

MODELS = ("face_detection", "face_landmarks", "landmark2face", "wenet")


def doctor(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", "doctor", *options],
        cwd=CHECKOUT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


async def test_every_model_of_a_server_answers_an_inference(triton_url: str) -> None:
    done = doctor("--url", triton_url)

    assert done.returncode == 0, done.stdout + done.stderr
    for model in MODELS:
        assert f"inference of {model}" in done.stdout
    assert " ms, connection included" in done.stdout


async def test_a_model_that_a_server_lacks_is_wrong(server: EmbeddedServer) -> None:
    done = doctor("--url", server.url, "--json")

    assert done.returncode == 1
    found = {f["subject"]: f for f in json.loads(done.stdout)["findings"]}
    assert found["inference of wenet"]["state"] == "wrong"
    assert "does not serve wenet" in found["inference of wenet"]["mend"]


async def test_a_triton_on_the_usual_ports_is_recognised(server: EmbeddedServer) -> None:
    http_port = urlsplit(server.http_url).port
    assert http_port is not None
    (finding,) = check_ports({"http": http_port, "grpc": int(server.url.split(":")[1])})

    assert finding.state == "ok"
    assert "triton 2." in finding.found
    assert "ready, serves add, echo, first, pick" in finding.found


def test_a_server_that_is_not_there_is_one_wrong_line() -> None:
    done = doctor("--url", "127.0.0.1:1")

    assert done.returncode == 1
    assert "No Triton server answers at 127.0.0.1:1" in done.stdout
    assert done.stderr == ""


def test_missing_environments_and_repository_are_findings(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none")
    done = doctor(LIPSYNC_TRITON=nowhere, LIPSYNC_HOME=nowhere)

    assert done.returncode == 1
    assert "make setup" in done.stdout
    assert "LIPSYNC_HOME" in done.stdout
    assert done.stderr == ""


def test_a_server_is_not_asked_where_no_profile_names_models(tmp_path: Path) -> None:
    done = doctor("--url", "127.0.0.1:1", LIPSYNC_HOME=str(tmp_path / "none"))

    assert done.returncode == 1
    assert "no profile names models" in done.stdout


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    done = doctor(TMPDIR=str(tmp_path))

    assert "model repository" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_runs_without_any_package(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _BARE, str(CHECKOUT)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1, done.stderr
    assert "is not installed" in done.stdout
    assert "files are what the manifests say" in done.stdout


_BARE = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
runpy.run_module("orchestrator.doctor", run_name="__main__")
"""


def test_a_log_is_explained_on_standard_output(tmp_path: Path) -> None:
    log = tmp_path / "dh.log"
    log.write_text(
        "[ERROR] [[1004]任务视频驱动队列满，严重阻塞，下游队列异常]\n", encoding="gb18030"
    )
    done = doctor("--explain", str(log))

    assert done.returncode == 0
    assert "consequence, not the cause" in done.stdout
    assert "line 1" in done.stdout


def test_a_log_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = doctor("--explain", str(tmp_path / "none.log"))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be read" in done.stderr
