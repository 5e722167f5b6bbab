"""The target mouth on a grid: where its inside is and what lies below its line."""

from typing import NamedTuple

import torch
from torch import Tensor

from export.builtin.landmark2face.interior import Inside
from export.builtin.landmark2face.lips import Groups, MouthFrame, mouth_frame, polyline
from export.builtin.landmark2face.mouth_shapes import smoothstep

MOUTH_GROUPS = ("inner_upper", "inner_lower", "nose")

LIP_EDGE = 0.003  # half softness of the lips' inner edge, in crop sides
LEAST_GAP, WHOLE_GAP = 0.012, 0.05  # of an opening that begins to show, and shows, the inside
CHEEK_SOFTNESS = 0.6  # growth of the mouth line's softness beyond the corners


class Mouth(NamedTuple):
    """The inner contours of a mouth, FP32 [B, 11, 2], and the nose base above it, FP32 [B, 1, 2].

    All in the mouth's own frame.
    """

    frame: MouthFrame
    upper: Tensor
    lower: Tensor
    nose_base: Tensor

    @property
    def width(self) -> Tensor:
        """Mouth width in crop units, FP32 [B, 1]."""
        return self.frame.width[:, :, 0]

    @property
    def below_nose(self) -> Tensor:
        """How far the middle of the upper lip hangs below the nose base, FP32 [B, 1]."""
        return (self.upper[:, 5:6] - self.nose_base)[..., 1]

    def inside(self, grid: Tensor) -> Inside:
        """Returns where each place of a grid [1, P, 2] lies in the mouth."""
        x, y = self.frame.coordinates(grid)
        upper, lower = polyline(x, self.upper), polyline(x, self.lower)
        return Inside(x, y - upper, torch.relu(lower - upper))


def mouth_of(groups: Groups) -> Mouth:
    """Returns the mouth of a set of control points."""
    frame = mouth_frame(groups["inner_upper"])
    upper, lower, nose = (frame.to_local(groups[name]) for name in MOUTH_GROUPS)
    return Mouth(frame, upper, lower, nose[:, :1])


def opening_cover(inside: Inside, width: Tensor) -> Tensor:
    """Returns 1 between the lips and 0 elsewhere, [B, P].

    Args:
        inside: Places in the mouth.
        width: FP32 [B, 1], mouth width in crop units.
    """
    under_upper = smoothstep(-LIP_EDGE, LIP_EDGE, inside.depth * width)
    over_lower = smoothstep(-LIP_EDGE, LIP_EDGE, (inside.gap - inside.depth) * width)
    return under_upper * over_lower * smoothstep(LEAST_GAP, WHOLE_GAP, inside.gap)


def below_mouth_line(inside: Inside, width: Tensor) -> Tensor:
    """Returns 0 above and 1 below the mouth's middle line, [B, P]; softer on the cheeks."""
    beyond = torch.relu(inside.x.abs() - 0.5)
    softness = LIP_EDGE / width + CHEEK_SOFTNESS * beyond
    t = (0.5 + (inside.depth - inside.gap / 2) / (2 * softness)).clamp(0, 1)
    return t * t * (3 - 2 * t)
