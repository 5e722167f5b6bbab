"""What a server, the processes of its models and this process hold at one moment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.leftovers import SHM_PREFIX, processes
from orchestrator.server.memory import SHM_FOLDER
from orchestrator.server.stubs import count_dead

MIB: Final = 2**20
BLOCK_BYTES: Final = 512  # of st_blocks, whatever the file system's own blocks are

Readings = dict[str, float]
"""Figures by the names that the table shows."""


@dataclass(frozen=True)
class Subject:
    """One running server.

    Attributes:
        pid: Process id of tritonserver.
        shm_prefix: Beginning of the names of its shared memory regions.
    """

    pid: int
    shm_prefix: str

    @classmethod
    def of(cls, server: EmbeddedServer) -> Self:
        """Finds the processes of a server of which at least one model is loaded."""
        stub = server.stubs()[0].pid
        line = Path(f"/proc/{stub}/cmdline").read_text(encoding="utf-8", errors="replace")
        prefix = SHM_PREFIX.search(line)
        if prefix is None:
            raise ValueError(f"no shared memory in the command line of process {stub}: {line!r}")
        return cls(parent_of(stub), prefix[0])

    def read(self) -> Readings:
        """Reads all figures."""
        stubs = processes(self.shm_prefix) - {self.pid}
        return {
            **prefixed("server", process_readings(self.pid)),
            **prefixed("models", total(process_readings(pid) for pid in stubs)),
            "models processes": len(stubs),
            "models dead": count_dead(self.shm_prefix),
            **shm_readings(self.shm_prefix),
            **prefixed("client", process_readings(os.getpid())),
        }


def prefixed(whose: str, readings: Readings) -> Readings:
    """Says before each name whose figure it is."""
    return {f"{whose} {name}": value for name, value in readings.items()}


def total(all_readings: Iterable[Readings]) -> Readings:
    """Adds the figures of several processes."""
    sums: Readings = {}
    for readings in all_readings:
        for name, value in readings.items():
            sums[name] = sums.get(name, 0.0) + value
    return sums


def process_readings(pid: int) -> Readings:
    """Reads what one process holds; nothing once it has ended."""
    folder = Path(f"/proc/{pid}")
    with suppress(OSError):
        memory = memory_mib((folder / "smaps_rollup").read_text())
        return {
            "RSS MiB": memory["Rss"],
            "PSS MiB": memory["Pss"],
            "dirty MiB": memory["Private_Dirty"],
            "mappings": (folder / "maps").read_text(errors="replace").count("\n"),
            "files": len(list((folder / "fd").iterdir())),
            "threads": len(list((folder / "task").iterdir())),
        }
    return {}


def memory_mib(text: str) -> dict[str, float]:
    """Reads the sizes, given in kB, of a file of /proc; in MiB."""
    return {name: int(kb) / 1024 for name, kb in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}


def shm_readings(prefix: str, folder: Path = SHM_FOLDER) -> Readings:
    """Reads how many regions a server has, and how much memory they take."""
    regions = blocks = 0
    for path in folder.glob(f"{prefix}*"):
        with suppress(OSError):  # its model was unloaded meanwhile
            blocks += path.stat().st_blocks
            regions += 1
    return {"shm regions": regions, "shm MiB": blocks * BLOCK_BYTES / MIB}


def parent_of(pid: int) -> int:
    """Returns the parent of a process."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return int(text.rpartition(")")[2].split()[1])
