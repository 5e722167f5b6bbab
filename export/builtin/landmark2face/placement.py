"""Where the inside of a reference's mouth goes in the target mouth."""

from typing import NamedTuple

import torch
from torch import Tensor

from export.builtin.landmark2face.interior import Inside
from export.builtin.landmark2face.lips import polyline
from export.builtin.landmark2face.mouth import Mouth
from export.builtin.landmark2face.mouth_shapes import smoothstep
from export.builtin.landmark2face.references import Lender

LIP_FADE, SPARE_FADE = 0.012, 0.05  # at the end of a reference's opening, in its mouth widths
STIFF_WIDTH = 0.6  # of a mouth's half width, that never stretches
STRETCH_LIMITS = (0.4, 2.5)
SLIT, OPEN_SLIT = 0.02, 0.08  # target gap that begins to show, and shows, the lent teeth
MOST_HIDDEN = 0.6  # of its teeth, by a lowered upper lip


class Placed(NamedTuple):
    """Places in a reference's mouth, in its mouth widths; every field is FP32 [B, P].

    Attributes:
        x: Along the mouth.
        depth: Below the upper lip.
        gap: Height of its opening at x.
        spare: How much of the target's opening it cannot fill at x.
    """

    x: Tensor
    depth: Tensor
    gap: Tensor
    spare: Tensor


def place(lender: Lender, inside: Inside, mouth: Mouth) -> Placed:
    """Maps places in the target mouth to the reference's.

    Teeth are stiff and belong to the skull: an upper lip that hangs lower than the reference's
    hides their upper part. What lies beside and below them stretches until corners meet corners
    and lower lip meets lower lip.
    """
    ratio = mouth.width / lender.frame.width[:, :, 0]
    x = _place_x(lender, inside, mouth, ratio)
    gap = polyline(x, lender.gap)
    down = ratio * lender.scale[:, :, 1]
    room, stiff = inside.gap * down, lender.teeth * gap
    lowered = torch.relu(mouth.below_nose * down - lender.below_nose)
    hidden = torch.minimum(lowered, MOST_HIDDEN * stiff)
    end = hidden + room
    depth = _stretch(hidden + inside.depth * down, stiff, end, gap)
    return Placed(x, depth, gap, torch.relu(_stretch(end, stiff, end, gap) - gap))


def _place_x(lender: Lender, inside: Inside, mouth: Mouth, ratio: Tensor) -> Tensor:
    along = ratio * lender.scale[:, :, 0]
    offset = (inside.x - mouth.upper[:, 5:6, 0]) * along
    corner = torch.full_like(ratio, 0.5)
    stiff = STIFF_WIDTH * torch.minimum(corner, 0.5 * along)
    stretched = _stretch(offset.abs(), stiff, 0.5 * along, corner)
    return lender.upper[:, 5:6, 0] + torch.sign(offset) * stretched


def _stretch(length: Tensor, stiff: Tensor, end: Tensor, its_end: Tensor) -> Tensor:
    """Keeps lengths up to `stiff`; beyond it takes `end` to `its_end`, within reason."""
    rate = ((its_end - stiff) / (end - stiff).clamp(min=0.02)).clamp(*STRETCH_LIMITS)
    return length + (rate - 1) * torch.relu(length - stiff)


def cover(lender: Lender, placed: Placed) -> Tensor:
    """Returns 1 where the reference's mouth is open, 0 on its lips, FP32 [B, P].

    Its lower end is crisp where lip meets lip and fades where the target opens further.
    """
    fade = LIP_FADE + (0.5 * placed.spare).clamp(max=SPARE_FADE)
    above_lower = ((placed.gap - placed.depth) / fade).clamp(0, 1)
    within = smoothstep(-0.5, -0.45, -placed.x.abs())
    return lender.quality * above_lower * within * smoothstep(0.02, 0.06, placed.gap)


def teeth_in_light(inside: Inside, bared: Tensor) -> Tensor:
    """Returns 0 where the target's lips are too close for light to reach the teeth, [B, P].

    Args:
        inside: Places in the mouth.
        bared: FP32 [B, 1], 1 for teeth at the very edge of the lips, as in f and s.
    """
    lit = smoothstep(SLIT, OPEN_SLIT, inside.gap)
    return lit + bared * (1 - lit) * smoothstep(0.0, SLIT, inside.gap)


def to_reference_crop(lender: Lender, placed: Placed) -> Tensor:
    """Maps places from `place` to crop units of the reference, FP32 [B, P, 2]."""
    y = polyline(placed.x, lender.upper) + placed.depth
    return lender.frame.to_crop(torch.stack([placed.x, y], -1))
