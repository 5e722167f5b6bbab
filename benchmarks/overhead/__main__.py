"""What serving costs: ``python -m benchmarks.overhead``.

A model at saturation behind the embedded server, over shared memory and in gRPC messages, beside
the same ONNX file alone in a process of the same library at its best batch and threads. The best
settings are found first; then all take turns in every round, and a ratio is taken within a round.
Client, server and model share this machine's cores, as they do on a laptop.
Stated limits, medians of the rounds: shared memory at least 0.92 of the model alone, messages at
least 0.80.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from benchmarks.overhead.limit import Figure, Limit, Setting
from benchmarks.overhead.served import Served, Way, serving
from client.connection import TransportChoice
from orchestrator.settings import home
from orchestrator.threads import given_cores

LIMITS: Final[dict[TransportChoice, float]] = {"shared-memory": 0.92, "grpc": 0.80}
ROWS: Final = (2, 4, 8)


@dataclass(frozen=True)
class Result:
    """What was measured, round by round.

    Attributes:
        setting: The model's best setting when it runs alone.
        alone: Its figures.
        served: The figures of each way.
        times_ms: The server's own times of a row, medians of the rounds.
    """

    setting: Setting
    alone: list[Figure]
    served: dict[Way, list[Figure]]
    times_ms: dict[Way, dict[str, float]]

    def ratios(self, way: Way) -> list[float]:
        """Served over alone, within each round."""
        pairs = zip(self.served[way], self.alone, strict=True)
        return [served.rows_per_s / alone.rows_per_s for served, alone in pairs]

    def best(self, transport: TransportChoice) -> Way:
        """The way over one transport that reaches most."""
        ways = [way for way in self.served if way.transport == transport]
        return max(ways, key=lambda way: median(self.ratios(way)))

    def as_data(self) -> dict[str, object]:
        """Gives it as what JSON can hold."""
        return {
            "alone": {"setting": str(self.setting), "figures": [asdict(f) for f in self.alone]},
            "served": {
                str(way): {
                    "figures": [asdict(figure) for figure in figures],
                    "ratios": self.ratios(way),
                    "times_ms": self.times_ms[way],
                }
                for way, figures in self.served.items()
            },
        }


async def run(model: str, seconds: float, rounds: int) -> Result:
    """Measures one model."""
    version = newest(home() / "model_repository" / model)
    async with AsyncExitStack() as stack:
        limit = stack.enter_context(Limit(version))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        servers = {
            count: await stack.enter_async_context(serving(version, count, folder))
            for count in sorted({1, given_cores()})
        }
        setting = await asyncio.to_thread(limit.best, seconds / 2)
        ways = [await best_way(servers[n], t, seconds / 2) for n in servers for t in LIMITS]
        return await take_turns(limit, setting, servers, ways, seconds, rounds)


async def best_way(served: Served, transport: TransportChoice, seconds: float) -> Way:
    """Finds how many rows should travel in a request."""
    rates = {}
    for rows in ROWS:
        way = Way(served.instances, transport, rows)
        rates[way] = (await served.measure(way, seconds))[0].rows_per_s
    return max(rates, key=lambda way: rates[way])


async def take_turns(
    limit: Limit,
    setting: Setting,
    servers: dict[int, Served],
    ways: Sequence[Way],
    seconds: float,
    rounds: int,
) -> Result:
    """Measures all in every round, in an order that turns."""
    alone: list[Figure] = []
    served: dict[Way, list[Figure]] = {way: [] for way in ways}
    times: dict[Way, list[dict[str, float]]] = defaultdict(list)
    for turn in range(rounds):
        alone.append(await asyncio.to_thread(limit.measure, setting, seconds))
        for way in ways if turn % 2 else reversed(ways):
            figure, spent = await servers[way.instances].measure(way, seconds)
            served[way].append(figure)
            times[way].append(spent)
    typical = {
        way: {part: median(each[part] for each in found) for part in found[0]}
        for way, found in times.items()
    }
    return Result(setting, alone, served, typical)


def newest(folder: Path) -> Path:
    """The folder of a model's newest version."""
    return max((p for p in folder.iterdir() if p.name.isdecimal()), key=lambda p: int(p.name))


def lines(result: Result) -> Iterator[str]:
    """The table, in Markdown."""
    yield "| | rows/s | of the model alone | CPU ms per row |"
    yield "|---|---|---|---|"
    yield f"| alone: {result.setting} | {_rate(result.alone)} | 1 | {_cpu(result.alone)} |"
    for way, figures in result.served.items():
        ratios = result.ratios(way)
        spread = f"{median(ratios):.3f} ({min(ratios):.3f} … {max(ratios):.3f})"
        yield f"| {way} | {_rate(figures)} | {spread} | {_cpu(figures)} |"
    yield ""
    for way, times in result.times_ms.items():
        told = ", ".join(f"{part} {value:.2f}" for part, value in times.items())
        yield f"{way}: the server's own ms per row: {told}"
    for transport, least in LIMITS.items():
        way = result.best(transport)
        yield f"{transport}: {median(result.ratios(way)):.3f} of the model alone (limit {least})"


def _rate(figures: Sequence[Figure]) -> str:
    return f"{median(figure.rows_per_s for figure in figures):.1f}"


def _cpu(figures: Sequence[Figure]) -> str:
    names = figures[0].cpu_ms
    return ", ".join(f"{n} {median(f.cpu_ms[n] for f in figures):.2f}" for n in names)


def main(
    model: Annotated[str, typer.Argument(help="A shipped model.")] = "landmark2face",
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 3.0,
    rounds: Annotated[int, typer.Option(help="Medians are taken of so many.")] = 7,
    out: Annotated[Path, typer.Option(help="JSON file.")] = Path("out/overhead.json"),
) -> None:
    """Measures what serving costs."""
    result = asyncio.run(run(model, seconds, rounds))
    print("\n".join(lines(result)))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result.as_data(), indent=2), encoding="utf-8")
    kept = [median(result.ratios(result.best(way))) >= least for way, least in LIMITS.items()]
    raise typer.Exit(not all(kept))


if __name__ == "__main__":
    typer.run(main)
