"""The processes of a server's models are known by their command lines."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.server.stubs import STUB, Slot, Stub, count_dead, find_stubs

PREFIX = f"lipsync-{os.getpid()}-0123abcd-"
SLOT = Slot("echo", "3", "echo_0_1")


@contextmanager
def process(
    folder: Path, *, prefix: str = PREFIX, program: str = STUB
) -> Iterator["subprocess.Popen[bytes]"]:
    """Python under another name, which runs `<folder>/echo/3/model.py`: as a stub, it waits."""
    model = folder / "echo" / "3" / "model.py"
    model.parent.mkdir(parents=True)
    model.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    (folder / program).symlink_to(sys.executable)
    sizes = ["16777216", "16777216", "4967", "lib", "336"]
    words = [str(folder / program), str(model), f"{prefix}region", *sizes, SLOT.instance]
    with subprocess.Popen([*words, "DEFAULT"], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        try:
            yield running
        finally:
            running.kill()


def test_a_stub_is_found_with_its_place(tmp_path: Path) -> None:
    with process(tmp_path) as running:
        assert find_stubs(PREFIX, tmp_path) == [Stub(running.pid, SLOT, stopped=False)]
    assert find_stubs(PREFIX, tmp_path) == []


def test_a_stopped_one_is_told(tmp_path: Path) -> None:
    with process(tmp_path) as running:
        running.send_signal(signal.SIGSTOP)
        os.waitpid(running.pid, os.WUNTRACED)
        assert [stub.stopped for stub in find_stubs(PREFIX, tmp_path)] == [True]


def test_a_killed_one_is_gone(tmp_path: Path) -> None:
    with process(tmp_path) as running:
        (stub,) = find_stubs(PREFIX, tmp_path)
        stub.kill()
        running.wait(10)
        assert find_stubs(PREFIX, tmp_path) == []
        stub.kill()


@pytest.mark.parametrize(
    ("prefix", "program"), [("lipsync-0-0123abcd-", STUB), (PREFIX, "tritonserver")]
)
def test_other_processes_are_not_taken_for_stubs(tmp_path: Path, prefix: str, program: str) -> None:
    with process(tmp_path, prefix=prefix, program=program):
        assert find_stubs(PREFIX, tmp_path) == []


def test_models_from_outside_the_repository_are_left_out(tmp_path: Path) -> None:
    with process(tmp_path / "elsewhere"):
        assert find_stubs(PREFIX, tmp_path / "repository") == []


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.argv[1], "-c", ""])
time.sleep(1)
print("up", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("program", "dead"), [(STUB, 1), ("other", 0)])
def test_a_dead_one_that_its_server_took_no_notice_of_is_counted(
    tmp_path: Path, program: str, dead: int
) -> None:
    (tmp_path / program).symlink_to(sys.executable)
    words = [sys.executable, "-c", PARENT, str(tmp_path / program), f"--prefix={PREFIX}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        assert count_dead(PREFIX) == dead
        assert count_dead("lipsync-other-") == 0
        server.kill()
