"""Which frames of a clip lend their open mouth, with its teeth, to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.pose import yaw_degrees

# Vertices of the 468-point face mesh.
_INNER_LIPS = (13, 14)
_INNER_MOUTH_CORNERS = (78, 308)

_WIDE_OPEN = 0.35  # opening over mouth width; a wider one shows no more teeth
_YAW_APART_DEGREES = 8.0  # how far apart two poses are different ones
_SCALE_APART = 0.2  # of the logarithm of the face size
_TIME_APART = 0.25  # of the clip


def mouth_openings(meshes: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Gap between the inner lips over the mouth's inner width, [N], of meshes [N,468,2]."""
    return _distance(meshes, _INNER_LIPS) / _distance(meshes, _INNER_MOUTH_CORNERS)


@dataclass(frozen=True)
class Poses:
    """What the choice of references needs to know of each frame.

    Attributes:
        openings: Gap between the inner lips over the mouth's width, [N].
        places: Yaw and size, in units of what is noticeably different, [N,2].
    """

    openings: NDArray[np.floating[Any]]
    places: NDArray[np.floating[Any]]

    @classmethod
    def of(cls, meshes: NDArray[np.float32]) -> Self:
        """Reads them off meshes [N,468,2]."""
        return cls(mouth_openings(meshes), _places(meshes))

    @classmethod
    def joined(cls, parts: Sequence["Poses"]) -> Self:
        """One after the other."""
        return cls(
            np.concatenate([part.openings for part in parts]),
            np.concatenate([part.places for part in parts]),
        )


def choose_references(
    poses: Poses, usable: NDArray[np.bool_], count: int = 4, *, min_opening: float = 0.08
) -> list[int]:
    """Chooses frames with an open mouth that differ in pose and time, the widest first.

    Args:
        poses: Of one face, in the order of its frames, [N].
        usable: bool [N], frames that may be chosen.
        count: How many at most.
        min_opening: Least gap between the lips, in mouth widths, of all but the widest.

    Returns:
        Places in `poses`, fewer than `count` when fewer mouths are open; one when none is, and none
        without a usable frame. The same for the same face.
    """
    frames = np.flatnonzero(usable)
    if not len(frames):
        return []
    openings = poses.openings[frames]
    opened = openings >= min(min_opening, openings.max())
    frames, openings = frames[opened], openings[opened]
    times = frames / (len(usable) * _TIME_APART)
    places = np.column_stack((poses.places[frames], times))
    merits = np.minimum(openings / _WIDE_OPEN, 1)
    chosen = [int(np.argmax(openings))]
    apart = np.full(len(frames), np.inf)
    while len(chosen) < min(count, len(frames)):
        apart = np.minimum(apart, np.linalg.norm(places - places[chosen[-1]], axis=-1))
        chosen.append(int(np.argmax(merits * -np.expm1(-apart))))
    return [int(frames[index]) for index in chosen]


def _places(meshes: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    size = np.log(np.ptp(meshes, axis=1).max(axis=-1))
    return np.stack((yaw_degrees(meshes) / _YAW_APART_DEGREES, size / _SCALE_APART), axis=-1)


def _distance(
    meshes: NDArray[np.floating[Any]], vertices: tuple[int, int]
) -> NDArray[np.floating[Any]]:
    first, second = vertices
    return np.asarray(np.linalg.norm(meshes[:, first] - meshes[:, second], axis=-1))
