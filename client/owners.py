"""Whose shared memory is it? Its name tells the process, and whether that is gone."""

import os
import re
import secrets
from pathlib import Path

PREFIX = "lipsync-job-"

_NAME = re.compile(rf"{PREFIX}(?P<namespace>\d+)-(?P<pid>\d+)-(?P<started>\d+)-[0-9a-f]+")
_STATE, _STARTED = 0, 19  # of the fields behind the program's name in proc_pid_stat(5)
_DEAD = "ZX"


def own_name() -> str:
    """Returns a name, new at every call, for memory of this process."""
    return f"{PREFIX}{_namespace()}-{os.getpid()}-{_started('self')}-{secrets.token_hex(6)}"


def is_orphan(name: str) -> bool:
    """Whether a region of that name belonged to a process that is gone.

    A process of another container cannot be seen: what is its own is left alone.
    """
    match = _NAME.fullmatch(name)
    if match is None or int(match["namespace"]) != _namespace():
        return False
    return not _exists(int(match["pid"])) or _started(match["pid"]) not in (match["started"], "")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def _namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _started(pid: str) -> str:
    """When a process started, in the kernel's clock ticks; nothing where /proc hides it.

    One that is dead and has not been waited for started never.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "never" if fields[_STATE] in _DEAD else fields[_STARTED]
