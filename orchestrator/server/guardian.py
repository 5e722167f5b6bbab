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
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.1
SHM_FOLDER = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
TEMPORARY_FOLDER = Path("/tmp")  # noqa: S108 - where Triton's python backend works, always
REAP_TIMEOUT_S = 1.0
SIGNAL_BASE = 128  # as in a shell: exit status 128 + signal number
COMMAND_LINE = slice(45, 47)  # arg_start and arg_end of the fields behind the name, proc(5)
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


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
        key: What opens the server's restricted interfaces; empty if none is restricted.
        key_file: Where its clients find it; removed in the end.
    """

    command: list[str]
    environment: dict[str, str]
    folder: str
    log: str
    shm_prefix: str
    parent: int
    grace_s: float
    key: str = ""
    key_file: str = ""


class StopRequest:
    """Notes a SIGTERM; SIGINT is the asking process's business."""

    def __init__(self) -> None:
        self.made = False
        signal.signal(signal.SIGTERM, self._note)
        signal.signal(signal.SIGINT, lambda *_: None)

    def _note(self, *_: object) -> None:
        self.made = True


class BackendFolder:
    """The folder in /tmp into which Triton's python backend would unpack environments.

    Nothing is unpacked here, and a server that is stopped leaves its folder behind, empty. Which
    one is the server's own shows when it starts: it is made before the first shared memory region.
    Where several servers start at the same moment nobody can tell, and the folders stay.
    """

    def __init__(self) -> None:
        self._before = self._list()
        self._new: set[Path] | None = None

    def note(self) -> None:
        """Remembers what was made since the server's start; the first call counts."""
        if self._new is None:
            self._new = self._list() - self._before

    def remove(self) -> None:
        """Removes the server's own folder, if it is known and empty."""
        self.note()
        if self._new is not None and len(self._new) == 1:
            with suppress(OSError):
                self._new.pop().rmdir()

    @staticmethod
    def _list() -> set[Path]:
        return set(TEMPORARY_FOLDER.glob("python_env_??????"))


def guard(charge: Charge) -> int:
    """Runs the server until it ends or nobody needs it; returns its exit status."""
    stop, unpacked = StopRequest(), BackendFolder()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        server = start(charge)
        try:
            watch(server, charge, stop, unpacked)
        finally:
            end(server, charge.grace_s)
    finally:
        clean(charge)
        unpacked.remove()
    return server.returncode if server.returncode >= 0 else SIGNAL_BASE - server.returncode


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


def watch(
    server: subprocess.Popen[bytes], charge: Charge, stop: StopRequest, unpacked: BackendFolder
) -> None:
    """Returns when the server has ended, or when it is no longer needed."""
    concealed = not charge.key
    while server.poll() is None and not stop.made and os.getppid() == charge.parent:
        if any(SHM_FOLDER.glob(f"{charge.shm_prefix}*")):
            unpacked.note()
            concealed = concealed or conceal(server.pid, charge)
        closed, _, _ = select.select([sys.stdin], [], [], POLL_S)
        if closed:
            return


def conceal(pid: int, charge: Charge) -> bool:
    """Overwrites the key in the server's command line, which everybody on the machine can read.

    By then the server has read it.
    """
    secret = charge.key.partition("=")[2].encode()
    try:
        start, end = map(
            int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[45:47]
        )
        with Path(f"/proc/{pid}/mem").open("r+b", buffering=0) as memory:
            memory.seek(start)
            line = memory.read(end - start)
            memory.seek(start)
            memory.write(line.replace(secret, b"*" * len(secret)))
    except (OSError, ValueError) as error:
        with Path(charge.log).open("a", encoding="utf-8") as log:
            log.write(f"The key stays visible in the server's command line: {error}\n")
    return True


def end(server: subprocess.Popen[bytes], grace_s: float) -> None:
    """Stops the server, by force after `grace_s`, and what is left of its processes."""
    server.send_signal(signal.SIGINT)
    server.send_signal(signal.SIGCONT)  # one that was stopped would not hear
    with suppress(subprocess.TimeoutExpired):
        server.wait(grace_s)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    reap(REAP_TIMEOUT_S)


def reap(timeout_s: float) -> None:
    """Collects the orphans of the server: the first process of a container may not do it."""
    end_s = time.monotonic() + timeout_s
    with suppress(ChildProcessError):  # none is left
        while time.monotonic() < end_s:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.01)


def clean(charge: Charge) -> None:
    """Removes the private folder, the shared memory and the key of the server."""
    for region in SHM_FOLDER.glob(f"{charge.shm_prefix}*"):
        region.unlink(missing_ok=True)
    _remove_key(charge)
    shutil.rmtree(charge.folder, ignore_errors=True)


def _remove_key(charge: Charge) -> None:
    """Removes the key file, unless a later server at the same port has written another key."""
    path = Path(charge.key_file)
    with suppress(OSError):
        if charge.key and path.read_text(encoding="ascii").strip() == charge.key:
            path.unlink()


def _die_with_guardian() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    sys.exit(guard(Charge(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
