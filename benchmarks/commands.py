"""The project's own commands, each in a process of its own, as a user runs them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from orchestrator.server.ports import choose_ports

ROOT: Final = Path(__file__).parents[1]
DATA: Final = ROOT / "tests" / "data"
START_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.02

_URL = re.compile(r"^serving .* at (\S+) \(gRPC\)", re.MULTILINE)


class CommandError(Exception):
    """A command did not do what the measurement needs."""


class Command:
    """A running `orchestrator` command; what it prints goes to files, which nobody need read."""

    def __init__(
        self, arguments: list[str], logs: Path, name: str, extra: Mapping[str, str] | None = None
    ) -> None:
        """Starts it in a session of its own.

        Args:
            arguments: Of `orchestrator`.
            logs: Folder for what it prints.
            name: Of those files.
            extra: Environment variables on top of this process's.
        """
        self._out, self._err = logs / f"{name}.out", logs / f"{name}.err"
        self.name = name
        self.started_s = time.monotonic()
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(  # noqa: S603 - the project's own program
                [sys.executable, "-m", "orchestrator", *arguments],
                cwd=ROOT,
                env={**os.environ, **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self.process.poll()

    @property
    def printed(self) -> str:
        """What it has written to standard output."""
        return self._out.read_text(errors="replace")

    @property
    def complaint(self) -> str:
        """What it has written to standard error."""
        return self._err.read_text(errors="replace")

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Asks it to end, and kills it if it does not."""
        if self.status is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def heed_interrupts() -> None:
    """Undoes what a shell does to a program in its background, and to all that this one starts.

    There Ctrl-C is ignored from the start, until a program says otherwise.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def generate_arguments(
    video: Path, audio: Path, output: Path, url: str | None, *options: str
) -> list[str]:
    """Arguments of a job without progress bars."""
    files = ["--video", str(video), "--audio", str(audio), "--output", str(output)]
    return ["generate", *files, *(["--url", url] if url else []), "--quiet", *options]


def serve_arguments(*options: str) -> list[str]:
    """Arguments of a server on free ports."""
    ports = choose_ports()
    chosen = {"grpc": ports.grpc, "http": ports.http, "metrics": ports.metrics}
    return ["serve", *(f"--{name}-port={port}" for name, port in chosen.items()), *options]


def url_of(server: Command) -> str | None:
    """Where a server listens; None before every model has answered."""
    found = _URL.search(server.printed)
    return found[1] if found else None


def wait_for(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Returns as soon as something holds.

    Raises:
        CommandError: If it does not within `timeout_s`.
    """
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            raise CommandError(f"{what} not within {timeout_s:g} s")
        time.sleep(POLL_S)


def ready_url(server: Command, timeout_s: float = START_TIMEOUT_S) -> str:
    """Waits until a server serves and returns its endpoint.

    Raises:
        CommandError: If it does not.
    """
    wait_for(lambda: bool(url_of(server)) or server.status is not None, timeout_s, "serving")
    url = url_of(server)
    if url is None:
        raise CommandError(f"orchestrator serve ended: {server.complaint.strip()}")
    return url


@contextmanager
def serving(logs: Path) -> Iterator[tuple[Command, str]]:
    """Runs `orchestrator serve`; gives its command and its endpoint."""
    server = Command(serve_arguments(), logs, "serve")
    try:
        yield server, ready_url(server)
    finally:
        server.stop()
