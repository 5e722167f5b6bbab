"""The processes below one that was started, and what memory they take."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import numpy as np

PERIOD_S: Final = 1.0
KB_PER_MB: Final = 1024
COUNTED: Final = ("Pss_Anon:", "Pss_Shmem:")
DEAD: Final = ("Z", "X")


@dataclass(frozen=True)
class Process:
    """A running process and its command line."""

    pid: int
    command: tuple[str, ...]

    def kill(self) -> None:
        """Sends SIGKILL; one that has ended already is no error."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def tree(pid: int) -> list[Process]:
    """Returns a process, if it runs, and all that it and they have started."""
    parents = dict(_parents())
    found, wanted = [], [pid]
    while wanted:
        one = wanted.pop()
        if one in parents:
            found.append(Process(one, _command(one)))
        wanted += [child for child, parent in parents.items() if parent == one]
    return found


def is_stub_of(process: Process, model: str) -> bool:
    """Tells whether a process is that of a model on a Triton server."""
    program, *words = process.command or ("",)
    return program.endswith("/triton_python_backend_stub") and f"/{model}/" in " ".join(words[:1])


def is_server(process: Process) -> bool:
    """Tells whether a process is a Triton server."""
    return bool(process.command) and process.command[0].endswith("/tritonserver")


def memory_mb(processes: list[Process]) -> float:
    """Returns the memory of processes together.

    What several of them share counts once. Pages of files do not count: they depend on how many
    other programs have them mapped, and give way to need.
    """
    return sum(_own_kb(process.pid) for process in processes) / KB_PER_MB


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] not in DEAD:
                yield int(folder.name), int(fields[1])


def _command(pid: int) -> tuple[str, ...]:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        return tuple(map(os.fsdecode, words))
    return ()


def _own_kb(pid: int) -> int:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(COUNTED))
    return 0


@dataclass
class Memory:
    """Memory over time of one group of processes.

    Attributes:
        times_s: When it was looked at, on a monotonic clock.
        values_mb: What it was.
    """

    times_s: list[float] = field(default_factory=list)
    values_mb: list[float] = field(default_factory=list)

    @property
    def peak_mb(self) -> float:
        """The most that it was."""
        return max(self.values_mb, default=0.0)

    @property
    def half_s(self) -> float:
        """Length of the second half."""
        return (self.times_s[-1] - self.times_s[0]) / 2 if self.times_s else 0.0

    @property
    def slope_mb_per_min(self) -> float:
        """How fast it grew in the second half, by a line of least squares; 0 of two values."""
        half = len(self.times_s) // 2
        times, values = self.times_s[half:], self.values_mb[half:]
        if len(times) < 3:
            return 0.0
        return float(np.polyfit(np.array(times) / 60, values, 1)[0])


class MemoryWatch:
    """Looks at the memory of processes and of all below them, each second, while the block runs.

    Args:
        roots: Process id of each group, by its name; None before there is one.
    """

    def __init__(self, roots: Mapping[str, Callable[[], int | None]]) -> None:
        self._roots = roots
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self.groups = {name: Memory() for name in roots}
        self.total = Memory()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(10 * PERIOD_S)

    def _watch(self) -> None:
        while not self._done.wait(PERIOD_S):
            now_s, total_mb = time.monotonic(), 0.0
            for name, root in self._roots.items():
                pid = root()
                value_mb = memory_mb(tree(pid)) if pid is not None else 0.0
                total_mb += value_mb
                if value_mb:
                    self._note(self.groups[name], now_s, value_mb)
            self._note(self.total, now_s, total_mb)

    @staticmethod
    def _note(memory: Memory, now_s: float, value_mb: float) -> None:
        memory.times_s.append(now_s)
        memory.values_mb.append(value_mb)
