"""How much of the speaking face each frame shows: faces come, go, turn away and shrink softly."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]

_RAMP_S = 0.2
_TURN_SIGMA_S = 0.12
_YAW_FULL, _YAW_NONE = 45.0, 60.0  # degrees; beyond, half of the mouth is out of sight
_PITCH_FULL, _PITCH_NONE = 45.0, 60.0
_SIDE_NONE_PX, _SIDE_FULL_PX = 24.0, 32.0  # of the crop; below, a mouth is a pixel or two high


def coming_and_going(
    runs: Sequence[tuple[int, int]], scene: range, frame_rate: Fraction
) -> NDArray[np.float32]:
    """Ramps of 0.2 s where a face appears or vanishes within a scene, not at the scene's ends.

    Args:
        runs: Frames [start, stop) that show the face, ascending and apart.
        scene: Frames of the scene.
        frame_rate: Of the clip.

    Returns:
        float32 [F] in 0..1, above 0 for the frames of all runs, one run after the other.
    """
    ramp = max(round(_RAMP_S * frame_rate), 1) + 1
    weights = []
    for start, stop in runs:
        frames = np.arange(start, stop)
        since = frames - start + 1 if start > scene.start else np.full(len(frames), ramp)
        until = stop - frames if stop < scene.stop else np.full(len(frames), ramp)
        weights.append(np.minimum(np.minimum(since, until) / ramp, 1))
    return np.concatenate(weights).astype(np.float32)


def turned_to_camera(yaw: Values, pitch: Values, frame_rate: Fraction) -> NDArray[np.float32]:
    """Full up to 45 degrees, nothing beyond 60, steadied over time; [F] of one run."""
    sigma = _TURN_SIGMA_S * float(frame_rate)
    sides = 1 - _smoothstep(_YAW_FULL, _YAW_NONE, _steadied(np.abs(yaw), sigma))
    nods = 1 - _smoothstep(_PITCH_FULL, _PITCH_NONE, _steadied(np.abs(pitch), sigma))
    return np.asarray(np.minimum(sides, nods), np.float32)


def large_enough(sides_px: Values, frame_rate: Fraction) -> NDArray[np.float32]:
    """Nothing where the face crop is 24 px or less, full from 32 px; [F] of one run."""
    steady = _steadied(sides_px, _TURN_SIGMA_S * float(frame_rate))
    return np.asarray(_smoothstep(_SIDE_NONE_PX, _SIDE_FULL_PX, steady), np.float32)


def _steadied(values: Values, sigma: float) -> Values:
    """Gaussian mean over time; the first and last value go on beyond the run."""
    radius = int(3 * sigma) + 1
    kernel = cv2.getGaussianKernel(2 * radius + 1, max(sigma, 0.1))[:, 0]
    return np.convolve(np.pad(values, radius, mode="edge"), kernel, mode="valid")


def _smoothstep(low: float, high: float, values: Values) -> Values:
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
