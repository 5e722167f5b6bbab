"""The faults that are replayed, and for how long a replay waits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from benchmarks.replay.fault import Order

RATE: Final = 25
CLIP_FRAMES: Final = 150  # of the sample, once through
HANG_AT: Final = 20
PACE_S: Final = 0.1
"""What a batch takes longer where models are not slow: blows then meet a job in its midst."""

PUT_TIMEOUT_S: Final = 60.0  # of the old design's producer
STALL_S: Final = 10.0  # of our jobs and of our server
START_S: Final = 30.0
OWN_S: Final = 0.5
MARGIN_S: Final = 30.0


class Case(StrEnum):
    """What goes wrong."""

    SLOW = "slow"
    HUNG = "hung"
    KILLED_MODEL = "killed-model"
    KILLED_SERVER = "killed-server"

    @property
    def kills(self) -> bool:
        """Whether a process is killed."""
        return self in (Case.KILLED_MODEL, Case.KILLED_SERVER)


class Design(StrEnum):
    """Who is to bear it."""

    OLD = "old"
    NEW = "new"


@dataclass(frozen=True)
class Setting:
    """One replay.

    Attributes:
        case: What goes wrong.
        frames: Frames of the job.
        batch_s: Seconds that a batch takes longer, where models are slow.
    """

    case: Case
    frames: int
    batch_s: float

    @property
    def order(self) -> Order:
        """The fault before the renderer."""
        if self.case is Case.SLOW:
            return Order(batch_s=self.batch_s)
        return Order(batch_s=PACE_S, hang_at=HANG_AT if self.case is Case.HUNG else 0)

    @property
    def need_s(self) -> float:
        """What the job needs at most if nothing jams: a start, and each frame's time."""
        return START_S + self.frames * (self.order.batch_s + OWN_S)

    @property
    def deadline_s(self) -> float:
        """When a job that has not ended never will: the old producer gave up long before."""
        return self.need_s + PUT_TIMEOUT_S + MARGIN_S

    @property
    def strike_at(self) -> int:
        """Frames that are written when the blow falls."""
        return self.frames // 3
