"""Steady meshes without lag: short gaps are bridged, jitter is smoothed, in blocks."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Meshes = NDArray[np.float32]
Frames = NDArray[np.integer[Any]]

_RADIUS_S = 0.16
_SIGMA_S = 0.08
_JITTER = 0.008  # deviation from even motion, in distances between the outer eye corners
_BLOCK_FRAMES = 256  # bounds the memory that smoothing takes
_BRIDGED_S = 0.2
_EYE_CORNERS = (33, 263)


def bridged(frames: Frames, frame_rate: Fraction) -> list[tuple[int, int]]:
    """Runs of frames [start, stop) that show a face, across gaps of up to 0.2 s.

    Args:
        frames: Where the face was seen, ascending, [K].
        frame_rate: Of the clip.
    """
    longest_step = int(_BRIDGED_S * frame_rate) + 1
    breaks = np.flatnonzero(np.diff(frames) > longest_step)
    starts = frames[np.concatenate(([0], breaks + 1))]
    lasts = frames[np.concatenate((breaks, [len(frames) - 1]))]
    return [(int(start), int(last) + 1) for start, last in zip(starts, lasts, strict=True)]


def smoothed_run(
    frames: Frames,
    read: Callable[[Frames], Meshes],
    run: tuple[int, int],
    frame_rate: Fraction,
) -> Iterator[Meshes]:
    """Smooths every mesh vertex over the time of one run.

    The kernel is symmetric, so that nothing lags, and bilateral (after Tomasi and Manduchi, 1998):
    the frames t-k and t+k count less the further the middle between them lies from the vertex at
    t. A vertex at rest or in even motion gets all of a Gaussian, one that turns keeps its place.

    Args:
        frames: Where the face was seen, ascending, [K].
        read: Gives the meshes float32 [n,468,2] of places 0..K-1 in `frames`.
        run: From `bridged`; frames between are interpolated.
        frame_rate: Of the clip.

    Yields:
        The meshes of the run in blocks, float32 [n,468,2].
    """
    start, stop = run
    radius = max(round(_RADIUS_S * frame_rate), 1)
    sigma = _SIGMA_S * float(frame_rate)
    for first in range(start, stop, _BLOCK_FRAMES):
        last = min(first + _BLOCK_FRAMES, stop)
        around = np.arange(max(first - radius, start), min(last + radius, stop))
        meshes = _interpolated(frames, read, around)
        yield _smoothed(meshes, first - int(around[0]), last - int(around[0]), radius, sigma)


def _interpolated(frames: Frames, read: Callable[[Frames], Meshes], at: Frames) -> Meshes:
    """Meshes at frames of a run, those that were not seen on the line between their neighbours."""
    after = np.searchsorted(frames, at)
    before = np.where(frames[after] == at, after, after - 1)
    places, where = np.unique(np.concatenate((before, after)), return_inverse=True)
    meshes, (earlier, later) = read(places), where.reshape(2, -1)
    step = np.maximum(frames[after] - frames[before], 1)
    share = ((at - frames[before]) / step).astype(np.float32)[:, None, None]
    return np.asarray(meshes[earlier] + share * (meshes[later] - meshes[earlier]), np.float32)


def _smoothed(run: Meshes, first: int, last: int, radius: int, sigma: float) -> Meshes:
    """Frames first..last-1 of a run, smoothed."""
    centre = run[first:last]
    corners = centre[:, _EYE_CORNERS[1]] - centre[:, _EYE_CORNERS[0]]
    jitter = _JITTER * np.maximum(np.linalg.norm(corners, axis=-1), 1)[:, None, None]
    total, weight = centre.copy(), np.ones_like(centre[..., :1])
    frames = np.arange(first, last)
    for distance in range(1, radius + 1):
        before, after = frames - distance, frames + distance
        paired = (before >= 0) & (after < len(run))
        earlier, later = run[np.maximum(before, 0)], run[np.minimum(after, len(run) - 1)]
        strayed = _length((earlier + later) * np.float32(0.5) - centre)
        share = np.exp(-0.5 * ((strayed / jitter) ** 2 + (distance / sigma) ** 2))
        share *= paired[:, None, None]
        total += share * (earlier + later)
        weight += 2 * share
    return np.asarray(total / weight, np.float32)


def _length(vectors: Meshes) -> Meshes:
    return np.asarray(np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)
