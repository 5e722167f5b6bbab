"""Keeps one tritonserver, and ends it when the process that asked for it is gone.

Run as a program of its own, with the standard library only:
`python guardian.py CHARGE.json`. The asking process holds the other end of standard input: when
that closes, for whatever reason, the server is stopped and what it leaves behind is removed.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.1
SHM_FOLDER = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What a guardian is to do.

    Attributes:
        command: The server's command line.
        environment: Its whole environment.
        folder: Its private and working folder, removed in the end.
        log: File to which its output is appended.
        shm_prefix: Beginning of the names of its shared memory regions, removed in the end.
        parent: Process id for which the server runs.
        grace_s: How long it may take to stop before it is killed.
    """

    command: list[str]
    environment: dict[str, str]
    folder: str
    log: str
    shm_prefix: str
    parent: int
    grace_s: float


class StopRequest:
    """Notes a SIGTERM; SIGINT is the asking process's business."""

    def __init__(self) -> None:
        self.made = False
        signal.signal(signal.SIGTERM, self._note)
        signal.signal(signal.SIGINT, lambda *_: None)

    def _note(self, *_: object) -> None:
        self.made = True


def guard(charge: Charge) -> int:
    """Runs the server until it ends or nobody needs it; returns its exit status."""
    stop = StopRequest()
    try:
        server = start(charge)
        try:
            watch(server, charge.parent, stop)
        finally:
            end(server, charge.grace_s)
    finally:
        clean(charge)
    return server.returncode


def start(charge: Charge) -> subprocess.Popen[bytes]:
    """Starts the server as the leader of a session of its own."""
    with Path(charge.log).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the command is the asking process's
            charge.command,
            env=charge.environment,
            cwd=charge.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_guardian,
        )


def watch(server: subprocess.Popen[bytes], parent: int, stop: StopRequest) -> None:
    """Returns when the server has ended, or when it is no longer needed."""
    while server.poll() is None and not stop.made and os.getppid() == parent:
        closed, _, _ = select.select([sys.stdin], [], [], POLL_S)
        if closed:
            return


def end(server: subprocess.Popen[bytes], grace_s: float) -> None:
    """Stops the server, by force after `grace_s`, and what is left of its processes."""
    server.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        server.wait(grace_s)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def clean(charge: Charge) -> None:
    """Removes the private folder and the shared memory of the server."""
    for region in SHM_FOLDER.glob(f"{charge.shm_prefix}*"):
        region.unlink(missing_ok=True)
    shutil.rmtree(charge.folder, ignore_errors=True)


def _die_with_guardian() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


if __name__ == "__main__":
    sys.exit(guard(Charge(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
