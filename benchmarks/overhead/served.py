"""The same model behind the embedded server, asked by the project's own client."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import numpy as np

from benchmarks.overhead.limit import Figure
from client.connection import Connection, TransportChoice
from client.constant import Constant
from client.model import ServedModel
from client.tensors import Array
from orchestrator.server.embedded import EmbeddedServer

CONSTANTS: Final = ("reference", "reference_mesh")
COUNT: Final = "instance_group [ { count: 1 } ]"
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
UTIME: Final = 11  # of the fields behind the name in proc_pid_stat(5); the next one is stime
PARENT: Final = 1


@dataclass(frozen=True)
class Way:
    """How the served model is asked.

    Attributes:
        instances: Processes that serve the model.
        transport: How tensors travel.
        rows: Rows of a request at most.
    """

    instances: int
    transport: TransportChoice
    rows: int

    def __str__(self) -> str:
        """Says it in words."""
        return f"{self.instances} instance(s), {self.transport}, {self.rows} rows a request"


class Served:
    """A server with some instances of one model, and connections to it.

    Args:
        server: The server.
        instances: Processes that serve the model.
        version: Folder of the model's version, with its golden inputs.
    """

    def __init__(self, server: EmbeddedServer, instances: int, version: Path) -> None:
        self._server = server
        self.instances = instances
        self._version = version
        self._stubs = [stub.pid for stub in server.stubs()]
        self._links: dict[TransportChoice, Connection] = {}

    async def measure(self, way: Way, seconds: float) -> tuple[Figure, dict[str, float]]:
        """Asks as fast as it is answered.

        Returns:
            The figure, and the server's own times of a row in milliseconds.
        """
        model = await ServedModel.open(
            await self._link(way.transport), self._version.parent.name, rows_per_request=way.rows
        )
        inputs, constant = golden_row(self._version)
        depth = 2 * model.max_batch_size * self.instances
        await _ask(model, inputs, constant, depth, 0.3)
        before, processes = await model.calls.statistics(), self._cpu_s()
        start_s = time.perf_counter()
        rows = await _ask(model, inputs, constant, depth, seconds)
        wall_s = time.perf_counter() - start_s
        spent = {name: s - processes[name] for name, s in self._cpu_s().items()}
        after = await model.calls.statistics()
        cpu_ms = {name: 1000 * cpu_s / rows for name, cpu_s in spent.items()}
        return Figure(rows / wall_s, cpu_ms), server_times_ms(before, after)

    async def close(self) -> None:
        """Closes the connections."""
        for link in self._links.values():
            await link.__aexit__(None, None, None)

    async def _link(self, transport: TransportChoice) -> Connection:
        if transport not in self._links:
            link = Connection(self._server.url, transport=transport)
            self._links[transport] = await link.__aenter__()
        return self._links[transport]

    def _cpu_s(self) -> dict[str, float]:
        parent = _fields(self._stubs[0])[PARENT]
        return {
            "client": time.process_time(),
            "model": sum(_spent_s(pid) for pid in self._stubs),
            "tritonserver": _spent_s(int(parent)),
        }


@asynccontextmanager
async def serving(version: Path, instances: int, folder: Path) -> AsyncIterator[Served]:
    """Serves a copy of one model with a number of instances.

    Args:
        version: Folder of the model's version.
        instances: Processes that are to serve it.
        folder: Where the copy is made.
    """
    repository = folder / f"instances-{instances}"
    model = repository / version.parent.name
    copytree(version.parent, model)
    config = model / "config.pbtxt"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(COUNT, COUNT.replace("1", str(instances))), encoding="utf-8")
    async with await EmbeddedServer.start(repository) as server:
        served = Served(server, instances, version)
        try:
            yield served
        finally:
            await served.close()


def golden_row(version: Path) -> tuple[dict[str, Array], Constant | None]:
    """The first row of the golden inputs: what every call has of its own, and what all share."""
    with np.load(version / "golden.npz") as golden:
        row = {
            name.removeprefix("input_"): golden[name][:1]
            for name in golden
            if name.startswith("input_")
        }
    shared: dict[str, Array] = {name: row.pop(name) for name in CONSTANTS if name in row}
    return row, Constant(shared) if shared else None


def server_times_ms(before: Any, after: Any) -> dict[str, float]:
    """What the server spent on a row between two readings of its statistics, by its own clock.

    It counts a batch's time once for each request in it; here it is told once for each run.
    """
    rows = after.inference_count - before.inference_count
    runs = after.execution_count - before.execution_count
    requests = after.inference_stats.success.count - before.inference_stats.success.count
    times = {}
    for part in ("queue", "compute_input", "compute_infer", "compute_output"):
        spent = getattr(after.inference_stats, part).ns - getattr(before.inference_stats, part).ns
        times[part] = spent / 1e6 / max(requests, 1) * runs / max(rows, 1)
    return times | {"rows per run": rows / max(runs, 1)}


async def _ask(
    model: ServedModel,
    inputs: dict[str, Array],
    constant: Constant | None,
    depth: int,
    seconds: float,
) -> int:
    """Keeps `depth` calls of one row under way; returns how many were answered."""
    end_s, answered = time.perf_counter() + seconds, 0

    async def work() -> None:
        nonlocal answered
        while time.perf_counter() < end_s:
            await model(constant, **inputs)
            answered += 1

    await asyncio.gather(*(work() for _ in range(depth)))
    return answered


def _spent_s(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[UTIME]) + int(fields[UTIME + 1])) / TICKS_PER_S


def _fields(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()
