"""The part of the face that may change: from the nose base inside the jaw line to the neck."""

import torch
from torch import Tensor

from export.builtin.landmark2face.head import NOSE_BASE
from export.builtin.landmark2face.lips import Groups
from export.builtin.landmark2face.mouth_shapes import smoothstep

BELOW_CHIN = 0.17  # in face widths, like the two fades
FADE = 0.15
ABOVE_NOSE_BASE = 0.14
EDGE, EDGE_FADE = 1 / 64, 0.06  # in crop sides


def touched_region(grid: Tensor, mesh: Tensor, source: Groups, target: Groups) -> Tensor:
    """Returns how freely each place may move, FP32 [B, P]: 0 outside, 1 well inside.

    Args:
        grid: FP32 [1, P, 2] in crop units.
        mesh: FP32 [B, 468, 2] of the frame.
        source: Control points of the frame.
        target: Control points of the result.
    """
    jaw, centre = _outer_jaw(source["jaw"], target["jaw"])
    width = (jaw[:, 0] - jaw[:, -1]).square().sum(-1, keepdim=True).sqrt().clamp(min=1e-3)
    below_nose = grid[..., 1] - mesh[:, NOSE_BASE : NOSE_BASE + 1, 1]
    inside = smoothstep(0, FADE, _depth_inside(grid, jaw, centre, width) / width)
    lower = smoothstep(-ABOVE_NOSE_BASE, FADE - ABOVE_NOSE_BASE, below_nose / width)
    return inside * lower * edge_window(grid)


def edge_window(grid: Tensor) -> Tensor:
    """Returns 0 at the crop's edge and 1 inside, [1, P]."""
    distance = torch.minimum(grid, 1 - grid).amin(-1)
    return smoothstep(EDGE, EDGE + EDGE_FADE, distance)


def _outer_jaw(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Returns whichever of the old and new jaw lies further out, and the middle of the new one."""
    centre = target.mean(1, keepdim=True)
    further = (source - centre).square().sum(-1, keepdim=True) > (target - centre).square().sum(
        -1, keepdim=True
    )
    return torch.where(further, source, target), centre


def _depth_inside(grid: Tensor, jaw: Tensor, centre: Tensor, width: Tensor) -> Tensor:
    """Returns the distance to the convex jaw line, pushed down under the chin, [B, P]."""
    start, edge = jaw[:, :-1], jaw[:, 1:] - jaw[:, :-1]
    normal = torch.stack([-edge[..., 1], edge[..., 0]], -1)
    normal = normal / normal.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-6)
    normal = normal * torch.sign(((centre - start) * normal).sum(-1, keepdim=True))
    offset = (start * normal).sum(-1).unsqueeze(1)
    slack = BELOW_CHIN * width * torch.relu(-normal[..., 1]).square()
    return (grid @ normal.transpose(1, 2) - offset + slack.unsqueeze(1)).amin(-1)
