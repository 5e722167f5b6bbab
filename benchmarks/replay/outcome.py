"""What came of a replay, whether that is what our design promises, and the table of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.replay.cases import STALL_S, Case, Design, Setting
from benchmarks.replay.processes import Memory
from benchmarks.replay.repository import MODEL

FINISHED: Final = "finished"
TELL_MARGIN_S: Final = 5.0
SLOPE_LIMIT_MB_PER_MIN: Final = 1.0
SLOPE_SHOWN_S: Final = 60.0
SLOPE_FROM_S: Final = 240.0
"""Second halves shorter than this one tell more of how memory settles than of whether it grows."""

TITLES: Final = (
    "case",
    "design",
    "end",
    "frames written",
    "seconds",
    "peak memory MB",
    "next job",
)


@dataclass
class Outcome:
    """One replay.

    Attributes:
        case: What went wrong.
        design: Who bore it.
        wanted: Frames of the job.
        batch_s: Seconds that a batch took longer.
        end: `finished`, or what the user reads or sees instead.
        frames: Frames written.
        seconds: From the job's start to its end, or to the deadline.
        peak_mb: Most memory of all processes at once.
        next_job: What became of another job, with the fault gone.
        error: Kind of the error that ended it, if one did.
        stage: The job's last stage, where it tells its stages.
        told_s: Seconds from the fault to the job's end, where the fault has a moment.
        recovered_s: Seconds from the kill to when frames were written again.
        memory: Peak (MB) and slope of the second half (MB per minute) of each group of processes.
        notes: What else was seen.
    """

    case: Case
    design: Design
    wanted: int
    batch_s: float
    end: str = ""
    frames: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0
    next_job: str = ""
    error: str | None = None
    stage: str = ""
    told_s: float | None = None
    recovered_s: float | None = None
    memory: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, setting: Setting, design: Design) -> Outcome:
        """An outcome of which only the replay is known."""
        return cls(setting.case, design, setting.frames, setting.order.batch_s)

    @property
    def key(self) -> tuple[str, str, int, float]:
        """Replays of the same key are of the same."""
        return self.case.value, self.design.value, self.wanted, self.batch_s

    def remember(self, name: str, memory: Memory) -> None:
        """Keeps peak and slope of a group."""
        self.memory[name] = {
            "peak_mb": memory.peak_mb,
            "slope_mb_per_min": memory.slope_mb_per_min,
            "half_s": memory.half_s,
        }


def broken_limits(outcome: Outcome) -> list[str]:
    """Returns the limits that our design breaks; the old one has none to break."""
    if outcome.design is Design.OLD:
        return []
    checks = {
        f"the next job: {outcome.next_job}": outcome.next_job.startswith(FINISHED),
        **(_hung(outcome) if outcome.case is Case.HUNG else _unharmed(outcome)),
    }
    return [words for words, holds in checks.items() if not holds]


def _hung(outcome: Outcome) -> dict[str, bool]:
    limit_s = STALL_S + TELL_MARGIN_S
    told = "never" if outcome.told_s is None else f"after {outcome.told_s:.1f} s"
    return {
        f"the error is {outcome.error}": outcome.error == "StalledError",
        f"the error does not name {MODEL}": MODEL in outcome.end,
        f"the error does not name the stage {outcome.stage!r}": outcome.stage in outcome.end,
        f"told {told} (limit {limit_s:g} s)": (outcome.told_s or limit_s + 1) <= limit_s,
    }


def _unharmed(outcome: Outcome) -> dict[str, bool]:
    slopes = {
        f"the {name} grew by {m['slope_mb_per_min']:.1f} MB a minute": (
            m["half_s"] < SLOPE_FROM_S or m["slope_mb_per_min"] <= SLOPE_LIMIT_MB_PER_MIN
        )
        for name, m in outcome.memory.items()
    }
    return {
        f"the job: {outcome.end}": outcome.end == FINISHED,
        f"{outcome.frames} of {outcome.wanted} frames": outcome.frames == outcome.wanted,
        "the kill never met the job": not outcome.case.kills or outcome.recovered_s is not None,
        **(slopes if outcome.case is Case.SLOW else {}),
    }


def table(outcomes: Sequence[Outcome]) -> str:
    """Returns all of them in Markdown."""
    rows = [TITLES, ("---",) * len(TITLES), *map(_cells, outcomes)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _growth(memory: dict[str, float]) -> str:
    """Tells nothing of halves that are too short to tell."""
    if memory["half_s"] < SLOPE_SHOWN_S:
        return ""
    return (
        f", {memory['slope_mb_per_min']:+.2f} MB a minute "
        f"in the second half ({memory['half_s']:.0f} s)"
    )


def _cells(outcome: Outcome) -> tuple[str, ...]:
    name = outcome.case.value
    cells = (
        f"{name}, {outcome.batch_s:g} s a batch" if outcome.case is Case.SLOW else name,
        outcome.design.value,
        outcome.end,
        f"{outcome.frames} of {outcome.wanted}",
        f"{outcome.seconds:.1f}",
        f"{outcome.peak_mb:.0f}",
        outcome.next_job,
    )
    return tuple(cell.replace("|", "\\|").replace("\n", " ") for cell in cells)


def remarks(outcome: Outcome) -> list[str]:
    """Returns what the table has no room for, a line each."""
    head = f"{outcome.case.value}, {outcome.design.value}"
    lines = [
        f"{name}: peak {m['peak_mb']:.0f} MB{_growth(m)}" for name, m in outcome.memory.items()
    ]
    if outcome.told_s is not None:
        lines.append(f"{outcome.told_s:.1f} s from the fault to the end")
    if outcome.recovered_s is not None:
        lines.append(f"frames written again {outcome.recovered_s:.1f} s after the kill")
    return [f"{head}: {line}" for line in [*lines, *outcome.notes]]
