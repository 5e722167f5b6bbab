"""Idle motion of the people in a photo: they breathe, sway and turn a little, and never repeat.

A person's motion is a few smooth shapes (which way each point goes), each times an amount that
changes slowly in time. Shapes are made once; a moment costs a weighted sum of them, whatever the
time. All shapes fade to nothing around the person and at the picture's borders.

What a pixel p of the moved picture shows is the photo at p + displacement(p).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.geometry import Points, face_affine, side_px, to_native

Shapes = NDArray[np.float64]

# Greatest excursions in sides of the face crop (about 20 cm of a real head): 1 to 3 mm. The turn,
# which leaves the outline of the head alone, is the largest, so that little behind it moves.
_SWAY = 0.006
_TURN = 0.014
_NOD = 0.009
_ROLL = 0.005  # radians
_BREATH = 0.014
_HEAD_RIDES = 0.25  # of the shoulders' rise, as the spine lifts it

_NECK = 0.6  # below the middle of the face crop
_BORDER = 0.5  # width of the fade at the picture's borders
_BORDER_OF_PICTURE = 0.45  # at most, of its shorter side

_BREATHS_HZ = 0.25
_BREATH_LAG = 0.35  # radians; makes exhaling last longer than inhaling
_SLOWEST_HZ = 0.06
_START_S = 2.0  # motion grows from nothing
# Roots of primes have no common measure, so that sums of such waves do not repeat.
_PRIMES = np.array(
    [[2, 5, 11, 23], [3, 7, 13, 29], [2, 7, 17, 31], [3, 5, 19, 37], [2, 3, 5, 7]], np.float64
)
_GOLDEN = (1 + np.sqrt(5)) / 2


@dataclass(frozen=True)
class _Person:
    centre: NDArray[np.float64]  # middle of the face crop, in pixels
    size: float  # side of the face crop, in pixels
    number: int

    @classmethod
    def of(cls, mesh: Points, number: int) -> "_Person":
        affine = face_affine(mesh)
        return cls(to_native(np.array([0.5, 0.5]), affine), side_px(affine), number)

    def shapes(self, points: Points) -> Shapes:
        """Displacement [5,...,2] in pixels of each motion at its greatest: _SWAY first."""
        x, y = np.moveaxis((points - self.centre) / self.size, -1, 0)
        still = np.zeros_like(x)
        head = _fade((np.hypot(x, (y + 0.15) / 1.25) - 0.5) / 0.7)
        torso = _fade((np.abs(x) - 0.6) / 1.1) * _fade((0.9 - y) / 0.8)
        # A head that turns moves most at its nearest part, the nose, and not at its outline.
        dome = np.clip(1 - (x**2 + ((y + 0.05) / 1.25) ** 2) / 0.7**2, 0, None) ** 2
        lean = (head + torso - head * torso) * _fade((y - 0.5) / 2.3)
        chest = torso * _fade((y - 1.6) / 1.4)
        shapes = [
            (_SWAY * lean, still),
            (_TURN * dome, still),
            (still, _NOD * dome),
            (_ROLL * head * (y - _NECK), -_ROLL * head * x),
            (still, _BREATH * (chest + _HEAD_RIDES * head * (1 - chest))),
        ]
        return np.stack([np.stack(shape, axis=-1) for shape in shapes]) * self.size

    def amounts(self, time_s: float) -> NDArray[np.float64]:
        """How much of each shape [5] shows at a moment, -1..1; breath 0..1."""
        waves = _SLOWEST_HZ * np.sqrt(_PRIMES)
        phases = 2 * np.pi * _GOLDEN * np.arange(_PRIMES.size).reshape(_PRIMES.shape)
        phases += self.number * _GOLDEN**2
        shares = 1 / np.sqrt(waves)
        shares /= shares.sum(axis=1, keepdims=True)
        wander = (shares * np.sin(2 * np.pi * waves * time_s + phases)).sum(axis=1)
        # The last wander hurries and delays the breath.
        breath = 2 * np.pi * _BREATHS_HZ * time_s + 1.5 * wander[-1] + self.number
        wander[-1] = 0.5 - 0.5 * np.cos(breath - _BREATH_LAG * np.cos(breath))
        return np.asarray(wander * _risen(np.minimum(time_s / _START_S, 1)))


class IdleMotion:
    """The motion of one photo."""

    def __init__(self, meshes: Sequence[Points], width: int, height: int) -> None:
        """Makes the motion; it is the same every time.

        Args:
            meshes: Face meshes [468,2] in pixels of the photo, one for each person.
            width: Of the photo, in pixels.
            height: Of the photo, in pixels.
        """
        self._people = [_Person.of(mesh, number) for number, mesh in enumerate(meshes)]
        self._last = np.array([width - 1, height - 1], np.float64)
        sizes = [person.size for person in self._people]
        self._border_px = min(_BORDER * max(sizes), _BORDER_OF_PICTURE * float(self._last.min()))
        self._detail_px = min(*sizes, 2 * self._border_px) / 24

    @property
    def detail_px(self) -> float:
        """Distance over which displacements are as good as linear."""
        return self._detail_px

    def shapes(self, points: Points) -> Shapes:
        """What amounts are multiplied with: [K,...,2] in pixels at points [...,2]."""
        shapes = np.concatenate([person.shapes(points) for person in self._people])
        return shapes * self._inside(points)[..., None]

    def amounts(self, time_s: float) -> NDArray[np.float64]:
        """How much of each shape shows at a moment, [K]; nothing at 0."""
        return np.concatenate([person.amounts(time_s) for person in self._people])

    def displacement(self, points: Points, time_s: float) -> NDArray[np.float64]:
        """Where the photo is looked up from each point [...,2] of the moved picture, in pixels."""
        return np.asarray(np.tensordot(self.amounts(time_s), self.shapes(points), 1))

    def moved(self, points: Points, time_s: float) -> NDArray[np.float64]:
        """Where points [...,2] of the photo are at a moment, within a thousandth of a pixel."""
        places = np.asarray(points, np.float64)
        # Displacements change by a few hundredths per pixel, so each round is that much better.
        for _ in range(3):
            places = points - self.displacement(places, time_s)
        return places

    def _inside(self, points: Points) -> NDArray[np.float64]:
        """0 at the picture's borders and beyond, 1 well inside."""
        from_border = np.minimum(points, self._last - points)
        return np.asarray(_risen(np.clip(from_border / self._border_px, 0, 1)).prod(axis=-1))


def _risen(share: Any) -> NDArray[np.float64]:
    """0 to 1 smoothly, with neither speed nor acceleration at the ends."""
    return np.asarray(share**3 * (share * (share * 6 - 15) + 10))


def _fade(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 up to 0, smoothly down to 0 at 1 and beyond."""
    return 1 - _risen(np.clip(share, 0, 1))
