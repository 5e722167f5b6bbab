"""Speech features to the shape of the mouth at the frame's own time.

The window holds 17 features, 40 ms apart; the middle one is the frame's. Feature columns are those
of the layout "lipsync-v1".
"""

from typing import NamedTuple

import torch
from torch import Tensor

MIDDLE = 8
SILENCE, BILABIALS, LABIODENTALS = 0, (1, 2), 3
# Sounds by column: TH 4, TD 5, N 6, SZ 7, L 8, SH 10, J 15, i 16, I 17, e 18.
PARTS_LIPS = {4: 0.4, 5: 0.4, 6: 0.25, 7: 1.0, 10: 0.9, 15: 0.5, 16: 0.6, 17: 0.3, 18: 0.2}
RAISES_TONGUE = {4: 1.0, 5: 0.4, 6: 0.5, 8: 0.9}
ENERGY, OPENING, WIDTH, ROUNDING, CLOSURE = 29, 30, 31, 32, 33

NEARLY = 0.2  # shut on the way to and from a closure
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
        parted: 0 .. 1, lips apart before teeth that nearly meet (s, sh, i).
        tongue: 0 .. 1, its tip at the upper teeth (th, l).
    """

    opening: Tensor
    width: Tensor
    rounding: Tensor
    tuck: Tensor
    press: Tensor
    parted: Tensor
    tongue: Tensor


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
    shut = torch.maximum(smoothstep(*SHUT, press), NEARLY * smoothstep(*SHUT, _beside(features)))
    return MouthShape(
        opening=voice * opening * (1 - shut) * (1 - 0.8 * tuck),
        width=voice * _smooth(features[:, WIDTH], SLOW).clamp(-1, 1),
        rounding=voice * _smooth(features[:, ROUNDING], SLOW).clamp(0, 1),
        tuck=tuck,
        press=press,
        parted=voice * _total(features, PARTS_LIPS) * (1 - press) * (1 - tuck),
        tongue=voice * _total(features, RAISES_TONGUE) * (1 - press) * (1 - tuck),
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


def _beside(features: Tensor) -> Tensor:
    """Returns the closure just before or just after the frame, whichever is firmer, [B]."""
    return torch.maximum(features[:, CLOSURE, MIDDLE - 1], features[:, CLOSURE, MIDDLE + 1])


def _total(features: Tensor, weights: dict[int, float]) -> Tensor:
    """Returns how much of some sounds is said, 0..1, [B]."""
    said = torch.stack([weight * features[:, column] for column, weight in weights.items()])
    return _smooth(said.sum(0), QUICK).clamp(0, 1)


def _smooth(track: Tensor, weights: tuple[float, ...]) -> Tensor:
    start = MIDDLE - len(weights) // 2
    window = track[:, start : start + len(weights)]
    return (window * torch.tensor(weights, dtype=track.dtype)).sum(1)
