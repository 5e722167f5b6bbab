"""People who walk through pictures, as what would be seen of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.looks import LOOK_SHAPE
from orchestrator.faces.observations import Observations

Walk = Callable[[int], tuple[float, float, float] | None]
"""Frame to the middle (x, y) and side of a face; None where it is not seen."""


def look(seed: int) -> NDArray[np.uint8]:
    """The look of a person; another seed is another person."""
    return np.random.default_rng(seed).integers(60, 200, LOOK_SHAPE).astype(np.uint8)


@dataclass(frozen=True)
class Person:
    look: NDArray[np.uint8]
    walk: Walk


def seen(people: Sequence[Person], frames: int) -> Observations:
    """Everybody in every frame, the largest first, as pass 1 sees them."""
    rows = []
    for frame in range(frames):
        there = [(p.walk(frame), p.look) for p in people if p.walk(frame) is not None]
        for place, face in sorted(there, key=lambda item: -item[0][2] if item[0] else 0):
            assert place is not None
            x, y, side = place
            half = side / 2
            rows.append((frame, (x - half, y - half, x + half, y + half), _noisy(face, frame)))
    indices, boxes, looks = zip(*rows, strict=True)
    return Observations(
        np.array(indices, np.int32), np.array(boxes, np.float32), np.stack(looks).astype(np.uint8)
    )


def standing(x: float, side: float = 60, y: float = 100) -> Walk:
    return lambda frame: (x, y, side)


def _noisy(face: NDArray[np.uint8], frame: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(frame).normal(0, 4, face.shape)
    return np.clip(face + noise, 0, 255).astype(np.uint8)
