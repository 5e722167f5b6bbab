"""One signal ends a command in order, a second one at once, and SIGUSR1 never."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STOP = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]

RUN = """
import asyncio, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
import typer
from orchestrator.cli.running import run, run_app
from orchestrator.cli.signals import ignore_usr1, leave

def ready(): print("ready", flush=True)
def block(): ready(); time.sleep(60)
ignore_usr1()
app = typer.Typer()
@app.command()
def command():
    {command}
sys.argv = ["command"]
status = run_app(app)
leave()
print("done", flush=True)
sys.exit(status)
"""
IN_A_THREAD = "run(asyncio.to_thread(block))"
IN_THE_LOOP = """
    async def work(): block()
    run(work())
"""
AT_EXIT = "ThreadPoolExecutor().submit(time.sleep, 60)"
CANCELLED_SLOWLY = """
    async def work():
        try:
            ready()
            await asyncio.sleep(60)
        finally:
            print("tidying", flush=True)
            await asyncio.sleep(60)
    run(work())
"""
PATIENT = """
    async def work():
        ready()
        await asyncio.sleep(60)
    run(work(), on_asked=lambda: print("asked", flush=True))
"""
BEFORE_THE_LOOP = """
    block()
"""


class Command:
    """A process that runs a command."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)
        time.sleep(0.2)

    def ending(self) -> tuple[int, str]:
        _, error = self.process.communicate(timeout=10)
        return self.process.returncode, error


@contextmanager
def running(command: str, stderr: int = subprocess.PIPE) -> Iterator[Command]:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN.format(command=command)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    try:
        yield Command(process)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("number", "status"), STOP)
@pytest.mark.parametrize("blocked", [IN_A_THREAD, IN_THE_LOOP])
def test_a_second_signal_ends_a_command_that_is_blocked(
    blocked: str, number: signal.Signals, status: int
) -> None:
    with running(blocked) as command:
        assert command.line() == "ready"
        command.signal(number)
        assert command.process.poll() is None
        command.signal(number)
        assert command.ending() == (
            status,
            f"error: ended at once by {number.name}; what was under way is left as it is.\n",
        )


def test_a_second_signal_of_another_kind_ends_it_too() -> None:
    with running(CANCELLED_SLOWLY) as command:
        assert command.line() == "ready"
        command.signal(signal.SIGTERM)
        assert command.line() == "tidying"
        command.signal(signal.SIGINT)
        code, error = command.ending()
    assert code == 130
    assert error.count("\n") == 1


@pytest.mark.parametrize(("number", "status"), STOP)
def test_the_first_signal_ends_a_command_that_has_left_a_thread(
    number: signal.Signals, status: int
) -> None:
    with running(AT_EXIT) as command:
        assert command.line() == "done"
        command.signal(number)
        code, error = command.ending()
    assert code == status
    assert error.count("\n") == 1


@pytest.mark.parametrize(("number", "status"), STOP)
def test_the_first_signal_ends_a_command_in_order(number: signal.Signals, status: int) -> None:
    with running(PATIENT) as command:
        assert command.line() == "ready"
        command.signal(number)
        assert command.ending() == (
            status,
            f"error: stopped by {number.name}; nothing was written.\n",
        )


def test_a_second_signal_ends_a_command_whose_errors_nobody_reads() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    while True:
        try:
            os.write(write, b"x")
        except BlockingIOError:
            break
    os.set_blocking(write, True)
    try:
        with running(IN_A_THREAD, stderr=write) as command:
            assert command.line() == "ready"
            command.signal(signal.SIGINT)
            command.signal(signal.SIGINT)
            assert command.process.wait(timeout=10) == 130
    finally:
        os.close(read)
        os.close(write)


def test_sigusr1_asks_a_command_as_often_as_it_comes() -> None:
    with running(PATIENT) as command:
        assert command.line() == "ready"
        for _ in range(2):
            command.signal(signal.SIGUSR1)
            assert command.line() == "asked"
        assert command.process.poll() is None


@pytest.mark.parametrize("moment", [BEFORE_THE_LOOP, IN_A_THREAD, CANCELLED_SLOWLY])
def test_sigusr1_ends_no_command_that_has_no_answer(moment: str) -> None:
    with running(moment) as command:
        assert command.line() == "ready"
        command.signal(signal.SIGUSR1)
        assert command.process.poll() is None


def test_sigusr1_does_not_end_a_command_that_is_done() -> None:
    with running(AT_EXIT) as command:
        assert command.line() == "done"
        command.signal(signal.SIGUSR1)
        assert command.process.poll() is None
