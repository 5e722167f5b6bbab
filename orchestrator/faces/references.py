"""Which frames of a clip lend their open mouth, with its teeth, to the others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Vertices of the 468-point face mesh.
_INNER_LIPS = (13, 14)
_INNER_MOUTH_CORNERS = (78, 308)
_NOSE_TIP = 1
_CHEEKS = (234, 454)
_EYE_CORNERS = (33, 263)

_WIDE_OPEN = 0.35  # opening over mouth width; a wider one shows no more teeth
_YAW_APART = 0.1  # of the face width: how far apart two poses are different ones
_SCALE_APART = 0.2  # of the logarithm of the face size
_TIME_APART = 0.25  # of the clip


def mouth_openings(meshes: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Gap between the inner lips over the mouth's inner width, [N], of meshes [N,468,2]."""
    return _distance(meshes, _INNER_LIPS) / _distance(meshes, _INNER_MOUTH_CORNERS)


def choose_references(
    meshes: NDArray[np.float32],
    valid: NDArray[np.bool_],
    count: int = 4,
    *,
    min_opening: float = 0.08,
) -> list[int]:
    """Chooses frames with an open mouth that differ in pose and time, the widest first.

    Args:
        meshes: float32 [N,468,2], native pixels.
        valid: bool [N], frames that may be chosen.
        count: How many at most.
        min_opening: Least gap between the lips, in mouth widths, of all but the widest.

    Returns:
        Frame indices, fewer than `count` when fewer mouths are open; one when none is, and none
        without a valid frame. The same for the same track.
    """
    frames = np.flatnonzero(valid)
    if not len(frames):
        return []
    openings = mouth_openings(meshes[frames])
    usable = openings >= min(min_opening, openings.max())
    frames, openings = frames[usable], openings[usable]
    places = _places(meshes[frames], frames / len(valid))
    merits = np.minimum(openings / _WIDE_OPEN, 1)
    chosen = [int(np.argmax(openings))]
    while len(chosen) < min(count, len(frames)):
        apart = np.linalg.norm(places[:, None] - places[chosen], axis=-1).min(axis=1)
        chosen.append(int(np.argmax(merits * -np.expm1(-apart))))
    return [int(frames[index]) for index in chosen]


def _places(
    meshes: NDArray[np.float32], times: NDArray[np.floating[Any]]
) -> NDArray[np.floating[Any]]:
    """Yaw, size and time of each face, in units of what is noticeably different; [N,3]."""
    right_eye, left_eye = meshes[:, _EYE_CORNERS[0]], meshes[:, _EYE_CORNERS[1]]
    across = (left_eye - right_eye) / np.linalg.norm(left_eye - right_eye, axis=-1)[:, None]
    middle = meshes[:, list(_CHEEKS)].mean(axis=1)
    width = _distance(meshes, _CHEEKS)
    yaw = np.sum((meshes[:, _NOSE_TIP] - middle) * across, axis=-1) / width
    size = np.log(np.ptp(meshes, axis=1).max(axis=-1))
    return np.stack((yaw / _YAW_APART, size / _SCALE_APART, times / _TIME_APART), axis=-1)


def _distance(
    meshes: NDArray[np.floating[Any]], vertices: tuple[int, int]
) -> NDArray[np.floating[Any]]:
    first, second = vertices
    return np.asarray(np.linalg.norm(meshes[:, first] - meshes[:, second], axis=-1))
