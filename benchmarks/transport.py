"""Shared memory against gRPC messages: ``python -m benchmarks.transport``.

One served model at saturation, on this host: so many calls of one row are in flight as a job keeps,
and so many of them travel in a request. Both ways take turns in every round; what is printed are
medians of the rounds: rows per second, and the CPU time that one row costs the client. The inputs
are the model's golden ones; the renderer's references are a constant, as in a job.
Stated limit: shared memory must not be slower for any model that moves more than 100 kB a row, else
it is the wrong default.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import numpy as np
import typer

from client.connection import Connection, TransportChoice
from client.constant import Constant
from client.model import ServedModel
from client.tensors import Array
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.settings import home

WAYS: Final[tuple[TransportChoice, ...]] = ("grpc", "shared-memory")
CONSTANTS: Final = ("reference", "reference_mesh")
WARM_UP: Final = 32


@dataclass(frozen=True)
class Subject:
    """One model over one way, with what it is asked."""

    model: ServedModel
    inputs: dict[str, Array]
    constant: Constant | None
    depth: int

    async def ask(self, count: int) -> None:
        """Makes so many calls, `depth` of them at once."""
        turns = iter(range(count))

        async def work() -> None:
            for _ in turns:
                await self.model(self.constant, **self.inputs)

        await asyncio.gather(*(work() for _ in range(self.depth)))


@dataclass(frozen=True)
class Figure:
    """One measurement."""

    rows_per_s: float
    client_cpu_ms: float


def golden_inputs(model: ServedModel) -> dict[str, Array]:
    """The first row of the model's golden inputs."""
    path = home() / "model_repository" / model.name / model.version / "golden.npz"
    with np.load(path) as golden:
        return {name: golden[f"input_{name}"][:1] for name in model.inputs}


async def subject(link: Connection, name: str, rows: int) -> Subject:
    """Opens a model."""
    model = await ServedModel.open(link, name, rows_per_request=rows)
    inputs = golden_inputs(model)
    lent: dict[str, Array] = {key: inputs.pop(key) for key in CONSTANTS if key in inputs}
    depth = 2 * model.max_batch_size * model.instances
    return Subject(model, inputs, Constant(lent) if lent else None, depth)


async def measure(subject: Subject, count: int) -> Figure:
    """Asks and times."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    await subject.ask(count)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return Figure(count / wall_s, 1000 * cpu_s / count)


Results = dict[str, dict[TransportChoice, Figure]]
"""What was measured, to the typical figure of each way."""


async def compare(
    url: str, name: str, rows: int, calls: int, rounds: int
) -> dict[TransportChoice, Figure]:
    """Measures both ways in turns and returns the medians."""
    figures: dict[TransportChoice, list[Figure]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        subjects = {}
        for way in WAYS:
            link = await stack.enter_async_context(Connection(url, transport=way))
            subjects[way] = await subject(link, name, rows)
            await subjects[way].ask(WARM_UP)
        for turn in range(rounds):
            for way in WAYS if turn % 2 else reversed(WAYS):
                figures[way].append(await measure(subjects[way], calls))
    return {way: typical(found) for way, found in figures.items()}


def typical(figures: list[Figure]) -> Figure:
    """The medians of several measurements."""
    return Figure(
        median(figure.rows_per_s for figure in figures),
        median(figure.client_cpu_ms for figure in figures),
    )


def row_bytes(inputs: dict[str, Array], constant: Constant | None) -> int:
    """Bytes of one row of all inputs."""
    lent = constant.inputs if constant else {}
    return sum(array.nbytes for array in [*inputs.values(), *lent.values()])


def lines(results: Results) -> Iterator[str]:
    """The table, in Markdown."""
    yield "| model, rows per request | gRPC: rows/s, client ms | shared memory | ratio |"
    yield "|---|---|---|---|"
    for what, figures in results.items():
        grpc, shared = figures["grpc"], figures["shared-memory"]
        yield (
            f"| {what} | {grpc.rows_per_s:.0f}, {grpc.client_cpu_ms:.2f} "
            f"| {shared.rows_per_s:.0f}, {shared.client_cpu_ms:.2f} "
            f"| {shared.rows_per_s / grpc.rows_per_s:.2f} |"
        )


async def run(models: list[str], sizes: list[int], seconds: float, rounds: int) -> Results:
    """Measures every model with every size of request."""
    results: Results = {}
    async with await EmbeddedServer.start(home() / "model_repository", models=models) as server:
        for name in models:
            async with Connection(server.url) as link:
                probe = await subject(link, name, 1)
                rate = (await measure(probe, 64)).rows_per_s
            for rows in sizes:
                calls = max(64, round(rate * seconds))
                key = f"{name} ({row_bytes(probe.inputs, probe.constant) // 1000} kB), {rows}"
                results[key] = await compare(server.url, name, rows, calls, rounds)
    return results


def main(
    models: Annotated[list[str] | None, typer.Argument(help="All four by default.")] = None,
    rows: Annotated[list[int] | None, typer.Option(help="Rows per request.")] = None,
    seconds: Annotated[float, typer.Option(help="Of each measurement, about.")] = 1.5,
    rounds: Annotated[int, typer.Option(help="Medians are taken of so many.")] = 5,
    out: Annotated[Path, typer.Option(help="JSON file.")] = Path("out/transport.json"),
) -> None:
    """Compares the two ways."""
    names = models or ["face_detection", "face_landmarks", "wenet", "landmark2face"]
    results = asyncio.run(run(names, rows or [1, 2, 4, 8], seconds, rounds))
    print("\n".join(lines(results)))
    told = {key: {way: vars(f) for way, f in found.items()} for key, found in results.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(told, indent=2), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
