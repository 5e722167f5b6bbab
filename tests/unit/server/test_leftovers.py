"""What killed servers leave is removed; what living ones use is not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from orchestrator.server.assembly import Assembly
from orchestrator.server.guardian import SHM_FOLDER, Charge
from orchestrator.server.leftovers import hold, processes, remove, sweep

SHM_PREFIX = f"lipsync-{os.getpid()}-0123abcd-"


@pytest.fixture
def region() -> Iterator[Path]:
    path = SHM_FOLDER / f"{SHM_PREFIX}1"
    path.touch()
    yield path
    path.unlink(missing_ok=True)


def charge(folder: Path, shm_prefix: str = SHM_PREFIX) -> Charge:
    return Charge(
        command=[],
        environment={},
        folder=str(folder),
        log="",
        shm_prefix=shm_prefix,
        parent=1,
        grace_s=1.0,
    )


def private_folder(parent: Path, told: Charge | None = None) -> Path:
    folder = parent / "lipsync-a1b2c3"
    folder.mkdir()
    text = json.dumps(asdict(told or charge(folder)))
    Assembly(folder).charge.write_text(text)
    return folder


@contextmanager
def stub(shm_prefix: str) -> Iterator["subprocess.Popen[bytes]"]:
    code = "import time; print('up', flush=True); time.sleep(60)"
    line = [sys.executable, "-c", code, f"{shm_prefix}1"]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_folder_that_nobody_holds_is_removed_with_its_regions_and_processes(
    tmp_path: Path, region: Path
) -> None:
    folder = private_folder(tmp_path)
    with stub(SHM_PREFIX) as process:
        sweep(tmp_path)
        assert process.wait(5) < 0
    assert not folder.exists()
    assert not region.exists()


def test_a_folder_that_is_held_is_left_alone(tmp_path: Path, region: Path) -> None:
    folder = private_folder(tmp_path)
    descriptor = hold(folder)
    sweep(tmp_path)
    os.close(descriptor)
    assert folder.exists()
    assert region.exists()


def test_a_folder_is_held_as_long_as_one_of_two_processes_holds_it(tmp_path: Path) -> None:
    folder = private_folder(tmp_path)
    descriptor = hold(folder)
    line = [sys.executable, "-c", "input()"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, pass_fds=(descriptor,)) as other:
        os.close(descriptor)
        with pytest.raises(BlockingIOError):
            hold(folder)
        other.communicate(b"\n")
    os.close(hold(folder))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"folder": 1}'])
def test_a_folder_without_a_charge_is_left_alone(tmp_path: Path, text: str) -> None:
    folder = private_folder(tmp_path)
    Assembly(folder).charge.write_text(text)
    sweep(tmp_path)
    assert folder.exists()


@pytest.mark.parametrize("shm_prefix", ["", "lipsync-", "sem."])
def test_a_charge_that_would_remove_what_is_not_a_server_s_is_not_followed(
    tmp_path: Path, region: Path, shm_prefix: str
) -> None:
    folder = private_folder(tmp_path, charge(tmp_path / "lipsync-a1b2c3", shm_prefix))
    sweep(tmp_path)
    assert folder.exists()
    assert region.exists()


def test_a_charge_about_another_folder_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "precious"
    other.mkdir()
    private_folder(tmp_path, charge(other))
    sweep(tmp_path)
    assert other.exists()


def test_a_server_s_processes_are_told_by_their_region_prefix() -> None:
    with stub(SHM_PREFIX) as process:
        assert processes(SHM_PREFIX) == {process.pid}
        assert processes(SHM_PREFIX.replace("0123abcd", "ffff0000")) == set()


def test_removing_ends_only_the_server_s_own_processes(tmp_path: Path) -> None:
    other = SHM_PREFIX.replace("0123abcd", "ffff0000")
    with stub(SHM_PREFIX) as mine, stub(other) as foreign:
        remove(charge(tmp_path / "gone"))
        assert mine.wait(5) < 0
        assert foreign.poll() is None
