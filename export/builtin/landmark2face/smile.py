"""A smile gives way to speech, most where lips round: corners come down and together.

Lengths are in mouth widths, in the mouth's own frame.
"""

import torch
from torch import Tensor

from export.builtin.landmark2face.control_points import LIPS, TISSUE
from export.builtin.landmark2face.head import relative_width
from export.builtin.landmark2face.lips import Groups, shift_y
from export.builtin.landmark2face.mouth_shapes import smoothstep

NEUTRAL_WIDTH = 0.7  # of an unsmiling mouth, in distances of the eyes
MOST_EXCESS = 0.25
TOOTHY = 0.3  # of a smile with open lips, that goes with them when they are reshaped
TOOTHY_GAP = (0.03, 0.12)  # inner gap over which a smile becomes one
STRAIGHTENED = 0.7  # of a smile's curve, at most
REACH = 0.3  # how far soft tissue sinks with the corners


def smile_excess(mesh: Tensor) -> Tensor:
    """Returns the share of the mouth's width that a smile has added, FP32 [B, 1]."""
    return (1 - NEUTRAL_WIDTH / relative_width(mesh)).clamp(0, MOST_EXCESS)


def relaxing(rounding: Tensor, gap: Tensor) -> Tensor:
    """Returns how much of a smile goes, FP32 [B, 1]; shut lips keep theirs but for rounding.

    Args:
        rounding: FP32 [B, 1].
        gap: FP32 [B, 1], inner gap in the middle of the source's mouth.
    """
    toothy = TOOTHY * smoothstep(*TOOTHY_GAP, gap)
    return toothy + (1 - toothy) * rounding


def relax(moved: Groups, source: Groups, seam: float, amount: Tensor) -> Groups:
    """Straightens the curve of smiling lips.

    Args:
        moved: Control points on their way to the target.
        source: Those of the frame.
        seam: Of the source's gap, where its lips meet.
        amount: FP32 [B, 1], 0 leaves the smile, 1 straightens it.
    """
    upper, lower = source["inner_upper"][..., 1], source["inner_lower"][..., 1]
    curve = upper + seam * torch.relu(lower - upper)
    curve = curve - curve[:, :1]
    middle = curve.mean(1, keepdim=True)
    share = STRAIGHTENED * amount * (middle > 0)
    by = -share * (curve - middle)
    sunk = {name: shift_y(moved[name], by) for name in LIPS}
    pulled = {name: shift_y(moved[name], by[:, :1] * _near(source, name)) for name in TISSUE}
    return moved | sunk | pulled


def _near(source: Groups, name: str) -> Tensor:
    """Returns 1 at a mouth corner and 0 far from both, [B, N]."""
    corners = source["inner_upper"][:, :1], source["inner_upper"][:, -1:]
    nearest = torch.minimum(*((source[name] - c).square().sum(-1) for c in corners))
    return torch.exp(-nearest / REACH**2)
