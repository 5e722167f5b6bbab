"""What is done to whom, and when: drawn from a seed, so that each round can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Way: TypeAlias = Literal["own", "shared"]
Victim: TypeAlias = Literal[
    "tritonserver",
    "stub",
    "generate",
    "serve",
    "guardian",
    "generate and guardian",
    "serve and guardian",
]
Blow: TypeAlias = Literal["SIGKILL", "SIGSTOP", "SIGTERM", "SIGINT"]

MODELS: Final = ("face_detection", "face_landmarks", "wenet", "landmark2face")
VICTIMS: Final[dict[Way, tuple[Victim, ...]]] = {
    "own": ("tritonserver", "stub", "generate", "guardian", "generate and guardian"),
    "shared": ("tritonserver", "stub", "generate", "serve", "guardian", "serve and guardian"),
}
PAUSE_S: Final = (0.2, 5.0)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One round.

    Attributes:
        number: Which round it is, from 0.
        way: `own`: generate alone, with its own server; `shared`: beside orchestrator serve.
        victim: Who is struck.
        model: Whose stub, where the victim is one.
        blow: The signal; SIGSTOP is followed by SIGCONT.
        moment: When, as a share of an undisturbed job's length.
        pause_s: Time from SIGSTOP to SIGCONT.
    """

    number: int
    way: Way
    victim: Victim
    model: str
    blow: Blow
    moment: float
    pause_s: float

    def __str__(self) -> str:
        victim = f"stub of {self.model}" if self.victim == "stub" else self.victim
        pause = f" for {self.pause_s:.1f} s" if self.blow == "SIGSTOP" else ""
        return f"{self.way:6} {self.blow}{pause} to {victim} at {self.moment:.0%}"


def blows(victim: Victim) -> tuple[Blow, ...]:
    """Returns what can be done to a victim."""
    if victim in ("generate and guardian", "serve and guardian"):
        return ("SIGKILL",)
    if victim in ("generate", "serve"):
        return ("SIGKILL", "SIGSTOP", "SIGTERM", "SIGINT")
    return ("SIGKILL", "SIGSTOP")


def draw(seed: int, number: int) -> Plan:
    """Returns a round of a seed, the same one every time and whatever rounds came before."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable on purpose
    way: Way = rng.choice(("own", "shared"))
    victim = rng.choice(VICTIMS[way])
    return Plan(
        number=number,
        way=way,
        victim=victim,
        model=rng.choice(MODELS),
        blow=rng.choice(blows(victim)),
        moment=rng.random(),
        pause_s=rng.uniform(*PAUSE_S),
    )
