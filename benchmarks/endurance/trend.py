"""Whether figures grow over a run, and what may."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from benchmarks.endurance.readings import Readings

WARM_UP: Final = 0.1
MEMORY_LIMIT: Final = 1.05
COUNT_LIMIT: Final = 1.0
SLACK_MIB: Final = 1.0
"""So much more memory is a heap's breathing: a server's own is 6 MiB, and 5 % of that is little."""
LEAST: Final = 8
"""Fewer samples than so many have no quarters to compare."""
TOLD_ONLY: Final = re.compile(r"PSS MiB$|^client (mappings|threads)$")
"""Other servers here change what is shared; how many threads gRPC keeps is its own affair."""


@dataclass(frozen=True)
class Sample:
    """All figures once so much of a run was done."""

    done: int
    readings: Readings


@dataclass(frozen=True)
class Trend:
    """How one figure went.

    Attributes:
        name: Of the figure.
        first: Median of the first quarter of the samples, the warm-up left out.
        last: Median of the last quarter.
        slope: Growth per `per` units of the run, by least squares over all samples but the
            warm-up's.
        limit: The most that `last` may be, in times of `first`; None where it is told only.
    """

    name: str
    first: float
    last: float
    slope: float
    limit: float | None

    @property
    def ratio(self) -> float:
        """The last quarter over the first one."""
        if self.first == self.last:
            return 1.0
        return self.last / self.first if self.first else float("inf")

    @property
    def is_kept(self) -> bool:
        """Whether the limit is."""
        if self.limit is None:
            return True
        slack = SLACK_MIB if self.limit == MEMORY_LIMIT else 0.0
        return self.last <= max(self.limit * self.first, self.first + slack)


def trends(samples: Sequence[Sample], per: int) -> list[Trend]:
    """Compares the ends of a run, figure by figure; none if it is too short for that.

    Args:
        samples: Of the whole run, in its order.
        per: Units of the run for which the slope is told.
    """
    settled = after_warm_up(samples)
    if len(settled) < LEAST:
        return []
    return [_trend(name, settled, per) for name in settled[0].readings]


def after_warm_up(samples: Sequence[Sample]) -> list[Sample]:
    """Leaves out the first tenth of a run: caches fill, arenas reach their size."""
    end = samples[-1].done if samples else 0
    return [sample for sample in samples if sample.done > WARM_UP * end]


def limit_of(name: str) -> float | None:
    """Returns how many times its first value a figure may be in the end; None for any."""
    if TOLD_ONLY.search(name):
        return None
    return MEMORY_LIMIT if re.search(r"(RSS|dirty) MiB$", name) else COUNT_LIMIT


def _trend(name: str, samples: Sequence[Sample], per: int) -> Trend:
    values = [sample.readings.get(name, 0.0) for sample in samples]
    done = np.array([sample.done for sample in samples])
    quarter = len(values) // 4
    return Trend(
        name=name,
        first=median(values[:quarter]),
        last=median(values[-quarter:]),
        slope=float(np.polyfit(done / per, values, 1)[0]),
        limit=limit_of(name),
    )


def table(found: Sequence[Trend], unit: str) -> Iterator[str]:
    """The trends, in Markdown.

    Args:
        found: The trends.
        unit: For how much of the run the growth is told.
    """
    yield f"| | first quarter | last quarter | ratio | growth per {unit} | limit | |"
    yield "|---|---|---|---|---|---|---|"
    for trend in found:
        limit = "" if trend.limit is None else f"{trend.limit:g}"
        verdict = "kept" if trend.is_kept else "BROKEN"
        yield (
            f"| {trend.name} | {trend.first:.2f} | {trend.last:.2f} | {trend.ratio:.4f} "
            f"| {trend.slope:+.4f} | {limit} | {verdict if limit else ''} |"
        )
