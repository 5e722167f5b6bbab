"""The mouth's own frame of reference and its contours as functions along the mouth's axis."""

from typing import NamedTuple

import torch
from torch import Tensor

Groups = dict[str, Tensor]


class MouthFrame(NamedTuple):
    """Axes through the mouth corners; lengths count in mouth widths.

    Attributes:
        origin: FP32 [B, 1, 2], middle of the inner corners, in crop units.
        axes: FP32 [B, 2, 2], rows are the unit vectors along and across (down) the mouth.
        width: FP32 [B, 1, 1], distance of the inner corners, in crop units.
    """

    origin: Tensor
    axes: Tensor
    width: Tensor

    def to_local(self, points: Tensor) -> Tensor:
        """Maps crop units to mouth widths; both [B, N, 2]."""
        return (points - self.origin) @ self.axes.transpose(1, 2) / self.width

    def coordinates(self, grid: Tensor) -> tuple[Tensor, Tensor]:
        """Maps a grid [1, P, 2] to mouth widths along and across the mouth, [B, P] each."""
        turned = self.axes @ (grid.transpose(1, 2) - self.origin.transpose(1, 2)) / self.width
        return turned[:, 0], turned[:, 1]

    def to_crop(self, points: Tensor) -> Tensor:
        """Maps mouth widths to crop units; both [B, N, 2]."""
        return self.origin + points @ self.axes * self.width


def mouth_frame(inner_upper: Tensor) -> MouthFrame:
    """Returns the frame of a mouth from its upper inner contour, FP32 [B, 11, 2]."""
    left, right = inner_upper[:, :1], inner_upper[:, -1:]
    across = right - left
    width = across.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-3)
    along = across / width
    down = torch.cat([-along[..., 1:], along[..., :1]], -1)
    return MouthFrame((left + right) / 2, torch.cat([along, down], 1), width)


def shift_y(points: Tensor, by: Tensor) -> Tensor:
    """Moves points [B, N, 2] across the mouth, down by [B, N] mouth widths."""
    return torch.stack([points[..., 0], points[..., 1] + by], -1)


def polyline(x: Tensor, knots: Tensor) -> Tensor:
    """Evaluates a polyline as a function of x; constant beyond its ends.

    A polyline is a sum of ramps, one for each change of slope. Knots that run backwards, as they do
    on the far side of a turned head, are pushed forward by a hair.

    Args:
        x: FP32 [B, P].
        knots: FP32 [B, K, 2], (x, y) with rising x.

    Returns:
        FP32 [B, P].
    """
    step = (knots[:, 1:] - knots[:, :-1])[..., 0].clamp(min=1e-3)
    starts = knots[:, :1, 0] + torch.cat([torch.zeros_like(step[:, :1]), step.cumsum(1)], 1)
    slope = (knots[:, 1:, 1] - knots[:, :-1, 1]) / step
    bend = torch.cat([slope[:, :1], slope[:, 1:] - slope[:, :-1]], 1)
    inside = torch.minimum(torch.maximum(x, starts[:, :1]), starts[:, -1:])
    ramps = torch.relu(inside.unsqueeze(1) - starts[:, :-1, None])
    return knots[:, :1, 1] + (bend.unsqueeze(1) @ ramps)[:, 0]
