"""The rounds of a run as a table, victim by blow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Final

from benchmarks.chaos.plan import Plan
from benchmarks.chaos.rounds import Outcome

TITLES: Final = (
    "rounds",
    "missed",
    "finished",
    "failed",
    "stopped",
    "recovered s",
    "hangs",
    "orphans",
    "left",
    "wrong",
)
WIDTH: Final = 12
NAME_WIDTH: Final = 38


def table(outcomes: Sequence[Outcome]) -> str:
    """Returns a line for each victim and blow, and one for all."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[_name(outcome.plan)].append(outcome)
    lines = [_line("", TITLES)]
    lines += [_line(name, _cells(group)) for name, group in sorted(groups.items())]
    return "\n".join([*lines, _line("all", _cells(outcomes))])


def _name(plan: Plan) -> str:
    return f"{plan.victim} ({plan.way}) {plan.blow}"


def _cells(outcomes: Sequence[Outcome]) -> list[str]:
    endings = [outcome.ending for outcome in outcomes]
    numbers = [
        len(outcomes),
        sum(not outcome.landed for outcome in outcomes),
        *(endings.count(ending) for ending in ("finished", "failed", "stopped")),
    ]
    faults = [
        sum(outcome.hang is not None for outcome in outcomes),
        sum(len(outcome.traces.processes) for outcome in outcomes),
        sum(len(o.traces.shared_memory) + len(o.traces.files) for o in outcomes),
        sum(len(outcome.wrongs) for outcome in outcomes),
    ]
    return [*map(str, numbers), _recovered(outcomes), *map(str, faults)]


def _recovered(outcomes: Sequence[Outcome]) -> str:
    """Median and largest of the rounds that were struck and recovered."""
    times_s = [o.recovered_s for o in outcomes if o.landed and o.recovered_s is not None]
    return f"{median(times_s):.1f}/{max(times_s):.1f}" if times_s else "-"


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:{NAME_WIDTH}}" + "".join(f"{cell:>{WIDTH}}" for cell in cells)
