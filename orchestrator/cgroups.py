"""What the control groups of this process leave to it: Linux's way to bound a container.

Both versions are read: see cgroups(7), and `cpu.max`, `memory.max` of the kernel's cgroup-v2.rst.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

Bound = TypeVar("Bound", int, float)

PROC_SELF = Path("/proc/self")


@dataclass(frozen=True)
class Group:
    """A group that this process is in, or one above it.

    Attributes:
        version: 1 or 2; the files differ.
        folder: Where its files are.
    """

    version: int
    folder: Path

    def number(self, file: str, index: int = 0) -> int | None:
        """Reads a number of a file; None if there is none or it says `max`."""
        with suppress(OSError, ValueError, IndexError):
            return int((self.folder / file).read_text(encoding="ascii").split()[index])
        return None


def cpu_quota(proc_self: Path = PROC_SELF) -> float | None:
    """Returns how many cores' worth of time the tightest group grants; None without a bound."""
    return _tightest("cpu", _quota, proc_self)


def memory_limit(proc_self: Path = PROC_SELF) -> int | None:
    """Returns the bytes of memory that the tightest group grants; None without a bound."""
    return _tightest("memory", _limit, proc_self)


def _groups(controller: str, proc_self: Path = PROC_SELF) -> Iterator[Group]:
    """Yields the groups that bound this process by a controller, innermost first."""
    with suppress(OSError):
        own = _own_paths((proc_self / "cgroup").read_text(encoding="utf-8"))
        for line in (proc_self / "mountinfo").read_text(encoding="utf-8").splitlines():
            yield from _groups_of_mount(line, controller, own)


def _tightest(
    controller: str, read: Callable[[Group], Bound | None], proc_self: Path
) -> Bound | None:
    found = (read(group) for group in _groups(controller, proc_self))
    return min((bound for bound in found if bound is not None), default=None)


def _quota(group: Group) -> float | None:
    if group.version == 2:
        quota, period = group.number("cpu.max"), group.number("cpu.max", 1)
    else:
        quota, period = group.number("cpu.cfs_quota_us"), group.number("cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None


def _limit(group: Group) -> int | None:
    if group.version == 2:
        return group.number("memory.max")
    limit = group.number("memory.limit_in_bytes")
    return limit if limit and limit < 2**60 else None  # version 1 writes 2^63 for "no bound"


def _own_paths(text: str) -> dict[str, str]:
    """Controller, "" for version 2, to the path of the process's own group."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path)
    return paths


def _groups_of_mount(line: str, controller: str, own: dict[str, str]) -> Iterator[Group]:
    left, _, right = line.partition(" - ")
    kind, _, options = right.split(" ", 2)
    names = {"cgroup": controller, "cgroup2": ""}
    if kind not in names or names[kind] not in own:
        return
    if kind == "cgroup" and controller not in options.split(","):
        return
    root, mount_point = left.split(" ")[3:5]
    folder = top = Path(mount_point)
    path = PurePosixPath(own[names[kind]])
    if path.is_relative_to(root):  # else the group lies outside of what is mounted here
        folder = top / path.relative_to(root)
    for place in (folder, *folder.parents):
        if place.is_relative_to(top):
            yield Group(2 if kind == "cgroup2" else 1, place)
