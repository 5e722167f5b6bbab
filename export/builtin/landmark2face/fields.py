"""Smooth displacement fields that follow control points."""

import torch
from torch import Tensor

SIGMA = 0.065  # of what moves together, in crop sides
FINE_SIGMA = 0.028  # of what the lips do on top of that
FINE_REST = -2.0  # logarithm of the weight of standing still; that of a point at its place is 0
REFINEMENTS = 8


def backward_field(grid: Tensor, target: Tensor, source: Tensor) -> Tensor:
    """Interpolates the displacement that takes target points back to source points.

    Normalised Gaussian interpolation; Richardson iterations sharpen the coefficients with nothing
    but matrix products. A wide Gaussian moves the face, a narrow one then makes good what that one
    misses where points are close, on the lips.

    Args:
        grid: FP32 [1, P, 2], where the field is wanted, in crop units.
        target: FP32 [B, K, 2].
        source: FP32 [B, K, 2].

    Returns:
        FP32 [B, P, 2]: output u samples source at u + displacement.
    """
    border = _border(target)
    points = torch.cat([target, border], 1)
    wanted = torch.cat([source - target, torch.zeros_like(border)], 1)
    mixing = _weights(points, points)
    coefficients = _sharpened(mixing, wanted)
    missing = wanted - mixing @ coefficients
    fine = _sharpened(_narrow_weights(points, points), missing)
    return _weights(grid, points) @ coefficients + _narrow_weights(grid, points) @ fine


def _sharpened(mixing: Tensor, wanted: Tensor) -> Tensor:
    """Returns coefficients that, mixed, come close to what is wanted."""
    coefficients = wanted
    for _ in range(REFINEMENTS):
        coefficients = coefficients + (wanted - mixing @ coefficients)
    return coefficients


def _weights(queries: Tensor, points: Tensor) -> Tensor:
    cross = queries @ points.transpose(1, 2)
    # The square of the query is the same for a whole row and falls out of the normalisation.
    squares = points.square().sum(-1).unsqueeze(1)
    return torch.softmax((2 * cross - squares) / (2 * SIGMA * SIGMA), -1)


def _narrow_weights(queries: Tensor, points: Tensor) -> Tensor:
    """Weights that vanish far from all points."""
    cross = queries @ points.transpose(1, 2)
    distance = (
        queries.square().sum(-1, keepdim=True) + points.square().sum(-1).unsqueeze(1) - 2 * cross
    )
    scores = -distance / (2 * FINE_SIGMA * FINE_SIGMA)
    rest = torch.full_like(scores[..., :1], FINE_REST)
    return torch.softmax(torch.cat([scores, rest], -1), -1)[..., :-1]


def _border(like: Tensor) -> Tensor:
    """Returns points around the crop, [B, 28, 2], that hold the field still at its edge."""
    along = torch.linspace(-0.025, 1.025, 7)
    low, high = torch.full((7,), -0.025), torch.full((7,), 1.025)
    sides = [(along, low), (along, high), (low, along), (high, along)]
    points = torch.cat([torch.stack(side, -1) for side in sides])
    return points + torch.zeros_like(like[:, :1])
