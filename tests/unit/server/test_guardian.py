"""The guardian ends its server and removes what it leaves, whatever happens to anybody."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from orchestrator.server import guardian
from orchestrator.server.guardian import SHM_FOLDER, BackendFolder, Charge

PATIENT = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); " + PATIENT
STOPPED = "import os; print('up', flush=True); os.kill(os.getpid(), 19); " + PATIENT
SHORT = "print('up', flush=True); raise SystemExit(7)"

Guarded = subprocess.Popen[bytes]
Start = Callable[[str], Guarded]


@pytest.fixture
def charge(tmp_path: Path) -> Charge:
    treasure = tmp_path / "repository" / "model.onnx"
    treasure.parent.mkdir()
    treasure.touch()
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "repository").symlink_to(treasure.parent)
    return Charge(
        command=[],
        environment=dict(os.environ),
        folder=str(folder),
        log=str(tmp_path / "server.log"),
        shm_prefix=f"lipsync-test-{os.getpid()}-",
        parent=os.getpid(),
        grace_s=0.5,
    )


@pytest.fixture
def start(charge: Charge, tmp_path: Path) -> Iterator[Start]:
    started: list[Guarded] = []

    def run(code: str) -> Guarded:
        path = tmp_path / "charge.json"
        command = {"command": [sys.executable, "-c", code]}
        path.write_text(json.dumps(asdict(charge) | command))
        line = [sys.executable, "-I", guardian.__file__, str(path)]
        started.append(subprocess.Popen(line, stdin=subprocess.PIPE))
        wait_for(lambda: "up" in log_of(charge))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def log_of(charge: Charge) -> str:
    path = Path(charge.log)
    return path.read_text() if path.exists() else ""


def wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def close_pipe(process: Guarded) -> None:
    assert process.stdin is not None
    process.stdin.close()


def test_it_ends_the_server_when_its_owner_closes_the_pipe(start: Start) -> None:
    process = start(PATIENT)
    close_pipe(process)
    assert process.wait(5) != 0  # the status of the interrupted server


def test_it_ends_the_server_when_it_is_terminated(start: Start) -> None:
    process = start(PATIENT)
    process.terminate()
    process.wait(5)


def test_it_leaves_ctrl_c_to_its_owner(start: Start) -> None:
    process = start(PATIENT)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)


def test_it_kills_a_server_that_does_not_stop(start: Start) -> None:
    process = start(STUBBORN)
    close_pipe(process)
    assert process.wait(5) == 128 + signal.SIGKILL


def test_it_need_not_kill_a_server_that_is_stopped_in_its_tracks(start: Start) -> None:
    process = start(STOPPED)
    close_pipe(process)
    assert process.wait(5) != 128 + signal.SIGKILL


def test_it_ends_with_the_server_and_its_status(start: Start) -> None:
    assert start(SHORT).wait(5) == 7


def test_it_does_not_run_for_an_owner_that_is_gone(charge: Charge, tmp_path: Path) -> None:
    path = tmp_path / "charge.json"
    orphaned = {"command": [sys.executable, "-c", PATIENT], "parent": 2**22 + 1}
    path.write_text(json.dumps(asdict(charge) | orphaned))
    line = [sys.executable, "-I", guardian.__file__, str(path)]
    with subprocess.Popen(line, stdin=subprocess.PIPE) as process:
        process.wait(5)


def test_the_server_dies_with_a_killed_guardian(start: Start, charge: Charge) -> None:
    process = start("import os; print(os.getpid(), flush=True); " + PATIENT)
    server = int(log_of(charge).split()[0])
    process.kill()
    wait_for(lambda: not alive(server))


def test_folder_and_shared_memory_are_removed_but_not_what_links_point_to(
    start: Start, charge: Charge, tmp_path: Path
) -> None:
    region = SHM_FOLDER / f"{charge.shm_prefix}0"
    region.touch()
    close_pipe(process := start(PATIENT))
    process.wait(5)
    assert not region.exists()
    assert not Path(charge.folder).exists()
    assert (tmp_path / "repository" / "model.onnx").exists()


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackendFolder:
    monkeypatch.setattr(guardian, "TEMPORARY_FOLDER", tmp_path)
    (tmp_path / "python_env_before").mkdir()
    (tmp_path / "python_env_abcde0").mkdir()
    return BackendFolder()


def test_the_backend_s_folder_is_the_one_made_during_the_start(
    unpacked: BackendFolder, tmp_path: Path
) -> None:
    (tmp_path / "python_env_abcde1").mkdir()
    unpacked.note()
    (tmp_path / "python_env_abcde2").mkdir()
    unpacked.note()
    unpacked.remove()
    assert sorted(path.name[-6:] for path in tmp_path.glob("python_env_*")) == [
        "abcde0",
        "abcde2",
        "before",
    ]


def test_a_folder_that_may_be_another_server_s_stays(
    unpacked: BackendFolder, tmp_path: Path
) -> None:
    for letter in "12":
        (tmp_path / f"python_env_abcde{letter}").mkdir()
    unpacked.remove()
    assert len(list(tmp_path.glob("python_env_abcde?"))) == 3


def test_a_folder_with_something_in_it_stays(unpacked: BackendFolder, tmp_path: Path) -> None:
    (tmp_path / "python_env_abcde1" / "0").mkdir(parents=True)
    unpacked.remove()
    assert (tmp_path / "python_env_abcde1" / "0").exists()


def test_orphans_of_the_server_are_collected(start: Start, charge: Charge) -> None:
    orphan = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); "
    process = start(orphan + SHORT)
    pid = int(log_of(charge).split()[0])
    assert process.wait(5) == 7
    assert not Path(f"/proc/{pid}").exists()


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
