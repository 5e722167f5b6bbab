"""Whether a server stays as it is over a long time: ``python -m benchmarks.endurance``.

Three runs, each on an embedded server of its own: a small model is loaded, asked and unloaded a
thousand times; a shipped one a hundred times; and a small one gets 100,000 requests, half of them
over shared memory and half in gRPC messages, 32 at once. A model that is never unloaded stays
beside those that come and go. What the server, the processes of its models and this client hold is
read 200 times a run; then the last quarter of it is compared with the first, once a tenth of it
has passed.
Stated limits, medians of the quarters: resident memory and private dirty memory at most 1.05 times
(or 1 MiB more), and no more open files, threads, mappings, processes (dead ones among them) or
shared memory. What depends on others, too, is told only: memory of which shared parts count in part
(PSS), and the threads and mappings that gRPC keeps in the client.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from benchmarks.endurance.cycles import Tell, run_cycles
from benchmarks.endurance.flood import run_requests
from benchmarks.endurance.models import (
    SHIPPED,
    TURNED,
    product_input,
    shipped_input,
    write_repository,
)
from benchmarks.endurance.trend import Sample, Trend, table, trends
from client.errors import LipSyncError
from client.tensors import Array

PER_CYCLES: Final = 100
PER_REQUESTS: Final = 10_000
TOLD: Final = ("server RSS MiB", "server dirty MiB", "models PSS MiB", "client RSS MiB")


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        title: What was done.
        per: Units of the run for which growth is told.
        unit: The same in words.
        seconds: How long it took.
        samples: All that was read.
    """

    title: str
    per: int
    unit: str
    seconds: float
    samples: list[Sample]

    @property
    def trends(self) -> list[Trend]:
        """How every figure went."""
        return trends(self.samples, self.per)

    def lines(self) -> Iterator[str]:
        """The report."""
        yield f"\n{self.title}, in {self.seconds:.0f} s, read {len(self.samples)} times\n"
        found = self.trends
        if not found:
            yield "too short to compare its ends"
            return
        yield from table(found, self.unit)
        broken = [trend.name for trend in found if not trend.is_kept]
        yield f"\n{'NOT FLAT: ' + ', '.join(broken) if broken else 'flat: every limit is kept'}"


def tell(title: str, started_s: float, sample: Sample) -> None:
    """Prints a sample in short."""
    figures = ", ".join(f"{name} {sample.readings.get(name, 0):.1f}" for name in TOLD)
    seconds = time.monotonic() - started_s
    print(f"{title}: {sample.done} after {seconds:.0f} s: {figures}", flush=True)


async def timed(
    title: str, per: int, unit: str, work: Callable[[Tell], Awaitable[list[Sample]]]
) -> Run:
    """Does one run."""
    started_s = time.monotonic()
    samples = await work(partial(tell, title, started_s))
    return Run(title, per, unit, time.monotonic() - started_s, samples)


async def run_all(folder: Path, cycles: int, shipped_cycles: int, requests: int) -> list[Run]:
    """Does the runs that are asked for."""
    repository, unit = write_repository(folder), f"{PER_CYCLES} cycles"
    plans: list[tuple[int, str, dict[str, Array]]] = [
        (cycles, TURNED, {"x": product_input()}),
        (shipped_cycles, SHIPPED, {"face": shipped_input()}),
    ]
    runs = [
        await timed(
            f"{count} cycles of {name}",
            PER_CYCLES,
            unit,
            partial(run_cycles, repository, name, row, count),
        )
        for count, name, row in plans
        if count
    ]
    if requests:
        work = partial(run_requests, repository, requests)
        title, unit = f"{requests} requests", f"{PER_REQUESTS} requests"
        runs.append(await timed(title, PER_REQUESTS, unit, work))
    return runs


def as_data(runs: list[Run]) -> list[dict[str, object]]:
    """Gives the runs as what JSON can hold."""
    return [asdict(run) | {"trends": [asdict(each) for each in run.trends]} for run in runs]


def main(
    cycles: Annotated[int, typer.Option(min=0, help="Of the small model.")] = 1000,
    shipped_cycles: Annotated[int, typer.Option(min=0, help="Of face_landmarks.")] = 100,
    requests: Annotated[int, typer.Option(min=0, help="To the small model.")] = 100_000,
    out: Annotated[
        Path | None, typer.Option("--json", help="Every sample as JSON.", metavar="FILE")
    ] = None,
) -> None:
    """Measure what long use costs a server."""
    with TemporaryDirectory(prefix="endurance-") as name:
        try:
            runs = asyncio.run(run_all(Path(name), cycles, shipped_cycles, requests))
        except LipSyncError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
    for run in runs:
        print("\n".join(run.lines()))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(as_data(runs), indent=2), encoding="utf-8")
    raise typer.Exit(not all(trend.is_kept for run in runs for trend in run.trends))


if __name__ == "__main__":
    typer.run(main)
