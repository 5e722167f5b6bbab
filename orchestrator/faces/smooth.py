"""Steady landmark tracks without lag, and weights that fade faces in and out."""

import numpy as np
from numpy.typing import NDArray

_RADIUS_FRAMES = 4
_SIGMA_FRAMES = 2.0
_JITTER = 0.008  # deviation from even motion, in distances between the outer eye corners
_BLOCK_FRAMES = 256  # bounds the memory that smoothing takes beside the track
_FADE_FRAMES = 5
_EYE_CORNERS = (33, 263)


def smooth_track(meshes: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Smooths every mesh vertex over time, within runs of valid frames.

    The kernel is symmetric, so that nothing lags, and bilateral (after Tomasi and Manduchi, 1998):
    the frames t-k and t+k count less the further the middle between them lies from the vertex at
    t. A vertex at rest or in even motion gets all of a Gaussian, one that turns keeps its place.

    Args:
        meshes: float32 [N,468,2], native pixels.
        valid: bool [N]; other frames are returned as they are and influence nothing.

    Returns:
        float32 [N,468,2].
    """
    smoothed = meshes.copy()
    for start, stop in runs(valid):
        for first in range(start, stop, _BLOCK_FRAMES):
            last = min(first + _BLOCK_FRAMES, stop)
            smoothed[first:last] = _smoothed(meshes[start:stop], first - start, last - start)
    return smoothed


def fade(valid: NDArray[np.bool_], ramp_frames: int = _FADE_FRAMES) -> NDArray[np.float32]:
    """How much of a face to show in each frame, 0..1.

    It rises and falls over `ramp_frames` at the borders of valid runs, not at the clip's ends.
    """
    weights = np.zeros(len(valid), np.float32)
    for start, stop in runs(valid):
        frames = np.arange(start, stop)
        since = frames - start + 1 if start else np.full(len(frames), ramp_frames + 1)
        until = stop - frames if stop < len(valid) else np.full(len(frames), ramp_frames + 1)
        weights[start:stop] = np.minimum(np.minimum(since, until) / (ramp_frames + 1), 1)
    return weights


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and stop of every unbroken run of true flags [N]."""
    borders = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return [(int(start), int(stop)) for start, stop in borders.reshape(-1, 2)]


def _smoothed(run: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """Frames first..last-1 of a run, smoothed."""
    centre = run[first:last]
    corners = centre[:, _EYE_CORNERS[1]] - centre[:, _EYE_CORNERS[0]]
    jitter = _JITTER * np.linalg.norm(corners, axis=-1)[:, None, None]
    total, weight = centre.copy(), np.ones_like(centre[..., :1])
    frames = np.arange(first, last)
    for distance in range(1, _RADIUS_FRAMES + 1):
        before, after = frames - distance, frames + distance
        paired = (before >= 0) & (after < len(run))
        earlier, later = run[np.maximum(before, 0)], run[np.minimum(after, len(run) - 1)]
        strayed = _length((earlier + later) * np.float32(0.5) - centre)
        share = np.exp(-0.5 * ((strayed / jitter) ** 2 + (distance / _SIGMA_FRAMES) ** 2))
        share *= paired[:, None, None]
        total += share * (earlier + later)
        weight += 2 * share
    return np.asarray(total / weight, np.float32)


def _length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)
