"""The painted inside of a mouth: cavity, tongue, and teeth where no reference shows any.

Lengths are in mouth widths: x along the mouth (corners at -0.5 and 0.5), depth below the upper lip.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from export.builtin.landmark2face.mouth_shapes import smoothstep

CAVITY = (0.23, 0.085, 0.08)
TONGUE = (0.62, 0.31, 0.30)
TOOTH = (0.86, 0.81, 0.74)
LINING_SHADE = 0.65  # of the wet inside of the lips, beside their outside
LINING_WIDTH = 0.035
TIP_WIDTH = 0.27  # half, of the tongue's tip
TIP_TOP = 0.5  # of the opening, where the raised tip begins
TOOTH_LENGTH = 0.10
TOOTH_SHARE = 0.45  # of the opening beyond what the upper lip hides
BARED_SHARE = 0.9  # of the opening, where lips part before closed teeth
HIDING_GAP = 0.05  # opening whose teeth stay behind the upper lip
TOOTH_EDGE = 0.022  # half softness of their lower edge
ARCH = 0.475  # half width of the visible dental arch
TOOTH_ANGLE = 0.34  # of the arch taken by one tooth


class Inside(NamedTuple):
    """Where each place lies in the target mouth; every field is FP32 [B, P].

    Attributes:
        x: Along the mouth.
        depth: Below the upper lip.
        gap: Height of the opening at x.
    """

    x: Tensor
    depth: Tensor
    gap: Tensor

    @property
    def roundness(self) -> Tensor:
        """1 in the middle of the mouth, 0 at its corners."""
        return torch.relu(1 - (2 * self.x).square())


class Palette(NamedTuple):
    """Colours of the inside under the light of the scene, FP32 [B, 3] each, 0..1.

    The lining is the inside of the lips.
    """

    cavity: Tensor
    tongue: Tensor
    tooth: Tensor
    lining: Tensor


def palette(skin: Tensor, lips: Tensor) -> Palette:
    """Returns the colours that suit those of skin and lips, FP32 [B, 3], 0..1.

    The skin's brightness stands for the light's, and part of its hue too.
    """
    mean = skin.mean(1, keepdim=True).clamp(min=0.02)
    light = (1.65 * mean).clamp(0.3, 1.1)
    hue = 0.5 + 0.5 * skin / mean
    cavity, tongue, tooth = (torch.tensor([c]) * light for c in (CAVITY, TONGUE, TOOTH))
    return Palette(cavity, tongue, tooth * hue, LINING_SHADE * lips)


def paint(inside: Inside, colours: Palette, teeth: Tensor, bared: Tensor, tip: Tensor) -> Tensor:
    """Paints the inside of a mouth.

    Args:
        inside: Places to paint.
        colours: Colours to paint with.
        teeth: FP32 [B, 1], 0 no teeth .. 1 full teeth.
        bared: FP32 [B, 1], 1 for teeth at the very edge of the lips, as in f and s.
        tip: FP32 [B, P], how much of each place the raised tongue covers.

    Returns:
        FP32 [B, 3, P], 0..1, straight colour.
    """
    tongue = torch.maximum(_tongue(inside), tip)
    tooth, lining = teeth * _tooth_cover(inside, bared) * (1 - tip), _lining(inside) * (1 - tip)
    rest = (1 - tooth) * (1 - lining)
    dim = (0.5 + 0.5 * inside.roundness) * rest
    layers = (
        (colours.cavity, dim * (1 - tongue)),
        (colours.tongue, dim * tongue),
        (colours.lining, (1 - tooth) * lining),
        (colours.tooth, tooth * _tooth_light(inside)),
    )
    colour = sum(colour.unsqueeze(2) * amount.unsqueeze(1) for colour, amount in layers)
    return colour.clamp(0, 1)


def tongue_tip(inside: Inside, raised: Tensor) -> Tensor:
    """Returns how much of each place the tip of a tongue covers, [B, P].

    Args:
        inside: Places in the mouth.
        raised: FP32 [B, 1], 0 .. 1.
    """
    below = inside.depth - TIP_TOP * inside.gap
    height = 0.5 * inside.gap.clamp(min=0.04)
    roof = height * (1 - (1 - (inside.x / TIP_WIDTH).square()).clamp(min=0).sqrt())
    return raised * smoothstep(0.0, 0.025, below - roof) * smoothstep(0.04, 0.09, inside.gap)


def lip_shadow(inside: Inside) -> Tensor:
    """Returns the light left under the upper lip and above the lower one, [B, P]."""
    under_upper = 0.7 + 0.3 * smoothstep(0.0, 0.06, inside.depth)
    over_lower = 0.82 + 0.18 * smoothstep(0.0, 0.06, inside.gap - inside.depth)
    return under_upper * over_lower


def _tongue(inside: Inside) -> Tensor:
    floor = inside.depth - 0.62 * inside.gap.clamp(min=0.2)
    room = smoothstep(0.14, 0.28, inside.gap)
    return 0.7 * smoothstep(0.0, 0.09, floor) * inside.roundness * room


def _lining(inside: Inside) -> Tensor:
    """Returns how much of the lips' inside shows: it keeps the dark from a hard outline."""
    from_lower_lip = smoothstep(0.0, LINING_WIDTH, inside.gap - inside.depth)
    from_corners = smoothstep(0.1, 0.5, inside.roundness)
    return 0.8 * (1 - from_lower_lip * from_corners)


def _tooth_cover(inside: Inside, bared: Tensor) -> Tensor:
    """Returns 1 on the upper teeth, 0 elsewhere; they sink into the dark towards the corners."""
    middle_gap = inside.gap.amax(1, keepdim=True)
    usual = TOOTH_SHARE * (middle_gap - HIDING_GAP)
    length = torch.maximum(usual, bared * BARED_SHARE * middle_gap).clamp(max=TOOTH_LENGTH)
    edge = length * (1 - (1.5 * inside.x).square()) * (1 - 0.08 * _between_teeth(inside.x))
    above_edge = smoothstep(-TOOTH_EDGE, TOOTH_EDGE, edge - inside.depth)
    shown = smoothstep(0.0, TOOTH_EDGE, length)
    return above_edge * shown * smoothstep(0.1, 0.7, inside.roundness)


def _tooth_light(inside: Inside) -> Tensor:
    grooves = 1 - 0.28 * _between_teeth(inside.x) ** 8
    under_lip = 0.72 + 0.28 * smoothstep(0.0, 0.05, inside.depth)
    return (0.4 + 0.55 * inside.roundness) * grooves * under_lip


def _between_teeth(x: Tensor) -> Tensor:
    """Returns 1 in the gaps between teeth and 0 in their middles."""
    z = (x / ARCH).clamp(-1, 1)
    angle = z + z**3 / 6 + 3 * z**5 / 40 + 15 * z**7 / 336  # arcsine, enough for an arch
    return torch.cos(torch.pi * angle / TOOTH_ANGLE).abs()
