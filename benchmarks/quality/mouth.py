"""Whether the mouth follows the speech, judged on finished pictures by the landmark model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.sync.faces import SIZE, Floats, session
from benchmarks.sync.opening import Curve
from benchmarks.sync.phonemes import OPENING, Phoneme
from benchmarks.sync.scores import best_lag
from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import Planes, crop_rgb
from orchestrator.faces.geometry import Points, mesh_affine, to_native

CLASSES: Final = tuple(OPENING)
"""Phone classes in the order of the features' first columns."""
OPEN: Final = frozenset({"a", "ae", "O"})
HALF_OPEN: Final = frozenset({"E", "e", "o", "schwa"})
NARROW: Final = frozenset({"i", "I", "u", "U", "y", "J", "W"})
CLOSURES: Final = frozenset({"M", "PB"})
STEP_S: Final = 0.04  # between features
SHUT_SHARE: Final = 0.2
"""Of the way from the closed mouth to the mean open vowel, up to which lips count as shut."""
REST_S: Final = 0.2  # a shorter silence is no pause: the mouth is on its way between two sounds
CORE: Final = 0.25  # of a sound on both sides, that belongs to its neighbours


@dataclass(frozen=True)
class MouthScores:
    """How well the lips of one picture track follow some sounds.

    Attributes:
        events: How many m, b and p were said.
        shut: Share of those in which the lips meet.
        openings: Mean gap between the lips, in eye distances, in open, half open and narrow vowels
            and in m, b, p; nan where a kind is not said.
        ordered: Whether these fall in that order.
        offset_frames: Delay of the mouth that agrees best with the expected opening.
        correlation: With the expected opening at that delay.
        rest_error: Mean distance from the closed mouth in pauses, of the range of the openings; nan
            without any.
    """

    events: int
    shut: float
    openings: tuple[float, float, float, float]
    ordered: bool
    offset_frames: float
    correlation: float
    rest_error: float


class Judge:
    """Finds the mesh of a face whose place is known roughly, with the committed landmark model."""

    def __init__(self, models: Path) -> None:
        """Loads the model from a model repository."""
        self._session = session(models / "face_landmarks" / "1" / "model.onnx")

    def mesh(self, planes: Planes, colour: Colour, near: Points) -> Floats:
        """Returns the mesh [468,2] in native pixels.

        Args:
            planes: The picture.
            colour: Its colour.
            near: Where the face is, [468,2] in native pixels.
        """
        affine = mesh_affine(near)
        crop = crop_rgb(planes, colour, affine, SIZE)
        (points,) = self._session.run(["mesh"], {"face": crop[None]})
        return to_native(points[0], affine)


def sounds_of(features: NDArray[np.float32]) -> list[Phoneme]:
    """Returns what an encoder heard, [T,64], as sounds with times: runs of the likeliest class."""
    best = features[:, : len(CLASSES)].argmax(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(starts[1:], len(best))
    return [
        Phoneme(CLASSES[best[start]], start * STEP_S, end * STEP_S)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def score(curve: Curve, sounds: Sequence[Phoneme], frame_rate: float) -> MouthScores:
    """Scores the gap between the lips over time against timed sounds."""
    closed, top = np.percentile(curve.values, [5, 95])
    openings = tuple(_mean(curve, sounds, kind) for kind in (OPEN, HALF_OPEN, NARROW, CLOSURES))
    limit = closed + SHUT_SHARE * (openings[0] - closed)
    lowest = [_lowest(curve, s) for s in sounds if s.name in CLOSURES and _shown(curve, s)]
    said = [value for value in openings if not np.isnan(value)]
    lag_s, agreement = best_lag(curve, sounds)
    pauses = [s for s in sounds if s.name == "sil" and s.end_s - s.start_s >= REST_S]
    rest = _during_all(curve, pauses, frozenset({"sil"}))
    return MouthScores(
        events=len(lowest),
        shut=float(np.mean([value <= limit for value in lowest])) if lowest else float("nan"),
        openings=(openings[0], openings[1], openings[2], openings[3]),
        ordered=said == sorted(said, reverse=True),
        offset_frames=lag_s * frame_rate,
        correlation=agreement,
        rest_error=_distance(rest, closed) / max(top - closed, 1e-6),
    )


def _distance(values: Floats, level: float) -> float:
    return float(np.abs(values - level).mean()) if len(values) else float("nan")


def _shown(curve: Curve, sound: Phoneme) -> bool:
    return bool(curve.times_s[0] <= sound.start_s and sound.end_s <= curve.times_s[-1])


def _during(curve: Curve, sound: Phoneme) -> Floats:
    """Returns the values in the core of a sound."""
    begin_s, end_s = sound.core(CORE, 1 - CORE)
    return curve.values[(curve.times_s >= begin_s) & (curve.times_s <= end_s)]


def _during_all(curve: Curve, sounds: Sequence[Phoneme], kind: frozenset[str]) -> Floats:
    parts = [_during(curve, sound) for sound in sounds if sound.name in kind]
    return np.concatenate([np.empty(0), *parts])


def _lowest(curve: Curve, sound: Phoneme) -> float:
    """Returns the least opening while a sound is on screen, however short it is."""
    frame_s = float(np.diff(curve.times_s).min())
    near = (curve.times_s >= sound.start_s - frame_s / 2) & (
        curve.times_s <= sound.end_s + frame_s / 2
    )
    return float(curve.values[near].min())


def _mean(curve: Curve, sounds: Sequence[Phoneme], kind: frozenset[str]) -> float:
    values = _during_all(curve, sounds, kind)
    return float(values.mean()) if len(values) else float("nan")
