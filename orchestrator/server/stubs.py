"""The processes in which a server's models run."""

import logging
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

logger = logging.getLogger(__name__)

STUB = "triton_python_backend_stub"
STOPPED = "T"  # by SIGSTOP, in the words of /proc
DEAD = "Z"
NAME_LENGTH = 15  # of a program's name in /proc

_PATH, _REGION, _INSTANCE = 1, 2, 8  # words of a stub's command line


class Slot(NamedTuple):
    """A place for one process: an instance of a version of a model."""

    model: str
    version: str
    instance: str


@dataclass(frozen=True)
class Stub:
    """One process of a model.

    Attributes:
        pid: Its process id.
        slot: Whose process it is.
        stopped: Whether a signal has stopped it.
    """

    pid: int
    slot: Slot
    stopped: bool

    def kill(self) -> None:
        """Kills it; one that has ended already is no error."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def find_stubs(shm_prefix: str, repository: Path) -> list[Stub]:
    """Returns the processes of one server's models.

    Args:
        shm_prefix: Beginning of the names of the server's shared memory regions.
        repository: The repository as the server knows it; models from elsewhere are left out.
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            words = (folder / "cmdline").read_text(errors="replace").split("\0")
            slot = _slot(words, shm_prefix, repository)
            if slot is not None:
                found.append(Stub(int(folder.name), slot, _state(folder) == STOPPED))
    return found


def weeded(stubs: Iterable[Stub]) -> list[Stub]:
    """Kills those that were stopped, and returns the others.

    The server gives a stopped process up after a second. When it then goes on, it answers each
    request with what belongs to the one before, and the server crashes, or waits for ever.
    """
    running = []
    for stub in stubs:
        if stub.stopped:
            logger.warning("Process %d of %s was stopped: killed.", stub.pid, stub.slot.model)
            stub.kill()
        else:
            running.append(stub)
    return running


def count_dead(shm_prefix: str) -> int:
    """Returns how many processes of a server's models have died without its taking notice.

    A dead process has no command line any more: it is known by its name and its parent.
    """
    servers, dead = set(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            name, _, rest = (folder / "stat").read_text(errors="replace").rpartition(")")
            state, parent = rest.split()[:2]
            if state == DEAD and name.partition("(")[2] == STUB[:NAME_LENGTH]:
                dead.append(parent)
            elif f"={shm_prefix}" in (folder / "cmdline").read_text(errors="replace"):
                servers.add(folder.name)
    return sum(parent in servers for parent in dead)


def _slot(words: list[str], shm_prefix: str, repository: Path) -> Slot | None:
    if (
        len(words) <= _INSTANCE
        or Path(words[0]).name != STUB
        or not words[_REGION].startswith(shm_prefix)
        or not Path(words[_PATH]).is_relative_to(repository)
    ):
        return None
    model, version = Path(words[_PATH]).relative_to(repository).parts[:2]
    return Slot(model, version, words[_INSTANCE])


def _state(folder: Path) -> str:
    """One letter; the name before it, in brackets, can hold anything."""
    return (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
