"""Where the lips of the frame really begin: its open mouth must not bleed into the warp.

The mesh draws a symmetrical mouth; in a lopsided one the dark inside reaches beyond its contours.
"""

import torch
from torch import Tensor

from export.builtin.landmark2face.lips import Groups
from export.builtin.landmark2face.mouth_shapes import smoothstep
from export.builtin.landmark2face.references import pick

LIP_MARGIN = 0.22  # of the lips' thickness, hidden while an open source mouth is reshaped
MARGIN_GAP = (0.0, 0.03)  # inner gap, in crop sides, over which that margin grows
LIPS = ("upper", "lower")
STEPS = 8  # looks from a contour outwards
FURTHEST = (0.85, 1.4)  # of the lips' thickness, in their middle and beside the corners
CORNER_REACH = 0.1  # of the mouth's width, that is looked at beyond its corners
DARK = (0.42, 0.6)  # of the skin's red, which lips have too, and the inside of a mouth lacks
CORNER_FOLLOWS = 0.7  # of the dark beside a corner
LIP_LEFT = 0.4  # thickness that a lip keeps
BEYOND_DARK = 0.1  # of the reach, where the dark fades


def without_inside(source: Groups, face: Tensor, skin: Tensor) -> Groups:
    """Moves the inner contours of an open mouth into the lips.

    Args:
        source: Control points, FP32 [B, N, 2] in crop units.
        face: UINT8 [B, 256, 256, 3].
        skin: FP32 [B, 3], its colour, 0..1.
    """
    gap = torch.relu((source["inner_lower"] - source["inner_upper"])[:, 5:6, 1:])
    is_open = smoothstep(*MARGIN_GAP, gap)
    red = skin[:, :1].clamp(min=0.05)
    reach = {lip: _reach(source[f"inner_{lip}"], source[f"outer_{lip}"]) for lip in LIPS}
    dark = [_dark_share(source[f"inner_{lip}"], reach[lip], face, red) for lip in LIPS]
    moved = dict(source)
    for lip, share in zip(LIPS, _same_corners(*dark), strict=True):
        inner, outer = source[f"inner_{lip}"], source[f"outer_{lip}"]
        by = is_open * torch.maximum(share, _margin(share)) * reach[lip]
        moved[f"inner_{lip}"] = inner + by
        moved[f"outer_{lip}"] = outer + _outer(by, inner, outer)
    return moved


def _same_corners(upper: Tensor, lower: Tensor) -> tuple[Tensor, Tensor]:
    """Moves both contours alike where they meet, at least as far as beside it."""
    near = torch.maximum(upper, lower)
    first = torch.maximum(near[:, :1], CORNER_FOLLOWS * near[:, 1:2])
    last = torch.maximum(near[:, -1:], CORNER_FOLLOWS * near[:, -2:-1])
    joined = [torch.cat([first, share[:, 1:-1], last], 1) for share in (upper, lower)]
    return joined[0], joined[1]


def _margin(like: Tensor) -> Tensor:
    """Returns the least share of the reach, none at the corners, [1, 11, 1]."""
    margin = torch.full_like(like[:1], LIP_MARGIN)
    margin[:, 0], margin[:, -1] = 0, 0
    return margin


def _reach(inner: Tensor, outer: Tensor) -> Tensor:
    """Returns how far each contour point may move: across the lip, and outwards at the corners."""
    along = (inner[:, -1:] - inner[:, :1]) * CORNER_REACH
    middle, side = FURTHEST
    sideways = torch.linspace(-1, 1, 11)[1:-1].square().reshape(1, -1, 1)
    across = (middle + (side - middle) * sideways) * (outer - inner)[:, 1:-1]
    return torch.cat([-along, across, along], 1)


def _dark_share(inner: Tensor, reach: Tensor, face: Tensor, red: Tensor) -> Tensor:
    """Returns the share of the reach that is dark, smoothed along the contour, [B, 11, 1]."""
    shares = [(step + 1) / STEPS for step in range(STEPS)]
    looks = torch.cat([inner + share * reach for share in shares], 1)
    ratio = pick(face.unsqueeze(1), looks.unsqueeze(1))[:, 0, :, 0] / red
    dark = (1 - smoothstep(*DARK, ratio)).unflatten(1, (STEPS, 11))
    weights = torch.tensor(shares).reshape(1, -1, 1)
    furthest = (dark * weights).amax(1)
    padded = torch.cat([furthest[:, :1], furthest, furthest[:, -1:]], 1)
    smooth = (padded[:, :-2] + 2 * furthest + padded[:, 2:]) / 4
    share = torch.maximum(smooth, furthest) + BEYOND_DARK * smoothstep(0.0, 0.2, furthest)
    return share.clamp(max=1).unsqueeze(-1)


def _outer(by: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Moves an outer contour too where the dark comes near it; corners move with the inner one."""
    across = (outer - inner)[:, 1:-1]
    thickness = across.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-4)
    used = by[:, 1:-1].square().sum(-1, keepdim=True).sqrt() / thickness
    middle = torch.relu(used + LIP_LEFT - 1) * across
    return torch.cat([by[:, :1], middle, by[:, -1:]], 1)
