"""Speech features to the shape of the mouth at the frame's own time.

The window holds 17 features, 40 ms apart; the middle one is the frame's. Feature columns are those
of the layout "lipsync-v1".
"""

from typing import NamedTuple

import torch
from torch import Tensor

MIDDLE = 8
SILENCE, BILABIALS, LABIODENTALS = 0, (1, 2), 3
ENERGY, OPENING, WIDTH, ROUNDING, CLOSURE = 29, 30, 31, 32, 33

SHUT = (0.2, 0.7)  # closure that begins to shut, and shuts, the mouth whatever its neighbours do

# Weights of the features around the middle. Lips round before the sound they round for, hence the
# wider kernel; the jaw is quicker, and closures are not smoothed at all.
QUICK = (0.2, 0.6, 0.2)
SLOW = (0.06, 0.12, 0.2, 0.24, 0.2, 0.12, 0.06)


class MouthShape(NamedTuple):
    """The shape of a mouth; every field is FP32 [B].

    Attributes:
        opening: 0 closed .. 1 wide open.
        width: -1 narrow .. 1 spread.
        rounding: 0 .. 1.
        tuck: 0 .. 1, lower lip against the upper teeth (f, v).
        press: 0 .. 1, lips pressed together (m, b, p).
    """

    opening: Tensor
    width: Tensor
    rounding: Tensor
    tuck: Tensor
    press: Tensor


def mouth_shape(features: Tensor) -> MouthShape:
    """Reads the mouth shape off a window of features.

    Args:
        features: FP32 [B, 64, 17].
    """
    voice = _voice(features)
    bilabial = features[:, BILABIALS[0], MIDDLE] + features[:, BILABIALS[1], MIDDLE]
    press = voice * torch.maximum(features[:, CLOSURE, MIDDLE], bilabial).clamp(0, 1)
    tuck = voice * features[:, LABIODENTALS, MIDDLE].clamp(0, 1) * (1 - press)
    opening = _smooth(features[:, OPENING], QUICK).clamp(0, 1)
    return MouthShape(
        opening=voice * opening * (1 - smoothstep(*SHUT, press)) * (1 - 0.8 * tuck),
        width=voice * _smooth(features[:, WIDTH], SLOW).clamp(-1, 1),
        rounding=voice * _smooth(features[:, ROUNDING], SLOW).clamp(0, 1),
        tuck=tuck,
        press=press,
    )


def smoothstep(low: float, high: float, x: Tensor) -> Tensor:
    """Returns 0 below `low`, 1 above `high` and the cubic between them."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def _voice(features: Tensor) -> Tensor:
    """Returns 0 in silence, where the mouth rests closed, and 1 in speech."""
    energy = _smooth(features[:, ENERGY], QUICK)
    silence = _smooth(features[:, SILENCE], QUICK)
    return smoothstep(0.05, 0.2, energy) * (1 - smoothstep(0.6, 1.0, silence))


def _smooth(track: Tensor, weights: tuple[float, ...]) -> Tensor:
    start = MIDDLE - len(weights) // 2
    window = track[:, start : start + len(weights)]
    return (window * torch.tensor(weights, dtype=track.dtype)).sum(1)
