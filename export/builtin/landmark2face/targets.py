"""Where the control points go: the source mouth is closed first and then given the wanted shape.

All numbers are in mouth widths, in the mouth's own frame, unless they say otherwise.
"""

import math

import torch
from torch import Tensor

from export.builtin.landmark2face.control_points import LIPS, TISSUE
from export.builtin.landmark2face.head import face_scale, relative_width
from export.builtin.landmark2face.lips import Groups, MouthFrame, shift_y
from export.builtin.landmark2face.mouth_shapes import MouthShape
from export.builtin.landmark2face.smile import relax, relaxing

CORNERS = 11
WIDEST = 0.45  # inner gap of a wholly open mouth
UPPER_SHARE, LOWER_SHARE = 0.22, 0.78  # of an opening; the upper lip hardly moves
CORNERS_SHARE = 0.16  # of an opening, by which the mouth corners sink
OUTER_FOLLOWS = 0.92  # travel of the outer contours per travel of the inner ones
SEAM = 0.45  # of the source's gap, where its lips meet when closed
JAW_OPENS, JAW_CLOSES = 0.85, 0.5  # chin travel per travel of the lower lip
EYES_TO_NOSE = 1.0  # opening unit per distance from the eyes to the nose base
PARTED = 0.055  # inner gap of lips that part before closed teeth
OPEN_ENOUGH = 0.2  # drop that shows the teeth anyway
AJAR = 0.12  # inner gap of a source whose lips need pressing to close
AT_REST = 0.05  # drop of lips that rest no more
CORNER_REACH = 0.42  # how far soft tissue follows the mouth corners


def target_groups(
    source: Groups,
    frame: MouthFrame,
    shape: MouthShape,
    size: Tensor,
    stretch: Tensor,
    excess: Tensor,
) -> Groups:
    """Moves control points to a mouth shape.

    Args:
        source: Control points by group, FP32 [B, N, 2] in crop units.
        frame: Frame of the source mouth.
        shape: The wanted shape.
        size: FP32 [B, 1], the opening's unit of length in mouth widths.
        stretch: FP32 [B, 1], the wanted mouth width at rest in source mouth widths.
        excess: FP32 [B, 1], width that a smile adds, in mouth widths.

    Returns:
        The same groups at their targets, in crop units.
    """
    local = {name: frame.to_local(points) for name, points in source.items()}
    drop = WIDEST * shape.opening.unsqueeze(1) * size
    gap = _source_gap(local)
    moved = _lips(local, gap, drop, shape) | _jaw(local, gap, drop, shape.tuck.unsqueeze(1))
    going = relaxing(shape.rounding.unsqueeze(1), gap[:, 5:6])
    relaxed = relax(moved, local, SEAM, going)
    widened = _widen(relaxed, local, _width_factor(shape, stretch) * (1 - going * excess))
    return {name: frame.to_crop(points) for name, points in widened.items()}


def opening_size(mesh: Tensor, frame: MouthFrame) -> Tensor:
    """Returns the unit of an opening in mouth widths, [B, 1]: a turned mouth opens as far."""
    down = face_scale(mesh)[:, 1:]
    return (EYES_TO_NOSE * down / frame.width[:, :, 0]).clamp(0.9, 1.6)


def rest_stretch(mesh: Tensor, reference_mesh: Tensor) -> Tensor:
    """Returns the clip's usual mouth width in widths of the frame's mouth, [B, 1].

    The references are the same for a whole clip: half way to their mean, the mouth keeps little
    of the shape that the person's own words give it.
    """
    usual = relative_width(reference_mesh.flatten(0, 1)).reshape(reference_mesh.shape[:2])
    ratio = usual.mean(1, keepdim=True) / relative_width(mesh)
    return (0.5 + 0.5 * ratio).clamp(0.9, 1.1)


def _source_gap(local: Groups) -> Tensor:
    """Returns how far the inner contours of the source are apart, [B, 11]."""
    return torch.relu(local["inner_lower"][..., 1] - local["inner_upper"][..., 1])


def _arch(power: float) -> Tensor:
    """Returns the profile of an opening along the lips: 0 at the corners, 1 in the middle."""
    return (1 - torch.linspace(-1, 1, CORNERS) ** 2) ** power


def _lips(local: Groups, gap: Tensor, drop: Tensor, shape: MouthShape) -> Groups:
    rounding, tuck, press = (s.unsqueeze(1) for s in (shape.rounding, shape.tuck, shape.press))
    upper, lower, body = _arch(0.75), _arch(0.9), _arch(0.5)
    lower = lower + 0.4 * rounding * (_arch(1.5) - lower)
    sag = CORNERS_SHARE * drop * (1 - lower)
    parted = _parted(drop, shape) * _arch(0.7)
    press = torch.maximum(press, _resting(gap, drop, parted))
    up = SEAM * gap - UPPER_SHARE * drop * upper - 0.45 * parted - 0.04 * tuck * body + sag
    down = -(1 - SEAM) * gap + LOWER_SHARE * drop * lower + 0.55 * parted - 0.01 * tuck * body + sag
    return {
        "inner_upper": shift_y(local["inner_upper"], up),
        "inner_lower": shift_y(local["inner_lower"], down),
        "outer_upper": shift_y(
            local["outer_upper"], OUTER_FOLLOWS * up + body * (0.02 * press - 0.035 * rounding)
        ),
        "outer_lower": shift_y(
            local["outer_lower"],
            OUTER_FOLLOWS * down + body * (0.035 * rounding - 0.03 * press - 0.03 * tuck),
        ),
    }


def _resting(gap: Tensor, drop: Tensor, parted: Tensor) -> Tensor:
    """Returns how much lips that rest are pressed, [B, 1]: as they were opened by the source.

    Lips of an open mouth are drawn thin; moved together as they are, they would only touch.
    """
    opened = (gap[:, 5:6] / AJAR).clamp(0, 1)
    return opened * (1 - (drop + parted[:, 5:6]) / AT_REST).clamp(0, 1)


def _parted(drop: Tensor, shape: MouthShape) -> Tensor:
    """Returns how far lips part before closed teeth, [B, 1]; an open jaw needs no more."""
    return PARTED * shape.parted.unsqueeze(1) * (1 - drop / OPEN_ENOUGH).clamp(0, 1)


def _jaw(local: Groups, gap: Tensor, drop: Tensor, tuck: Tensor) -> Groups:
    travel = JAW_OPENS * LOWER_SHARE * drop - JAW_CLOSES * (1 - SEAM) * gap[:, 5:6]
    ring = torch.sin(torch.linspace(0, math.pi, 17)).clamp(min=0) ** 1.2
    return {
        "chin": shift_y(local["chin"], travel - 0.02 * tuck),
        "jaw": shift_y(local["jaw"], 0.88 * travel * ring),
        "cheeks": shift_y(local["cheeks"], 0.14 * travel),
        "philtrum": local["philtrum"],
        "nose": local["nose"],
        "anchors": local["anchors"],
    }


def _width_factor(shape: MouthShape, stretch: Tensor) -> Tensor:
    change = 0.14 * shape.width - 0.24 * shape.rounding - 0.14 * shape.opening
    return stretch * (1 + change.unsqueeze(1))


def _widen(moved: Groups, source: Groups, factor: Tensor) -> Groups:
    """Scales the lips along the mouth's axis and drags the soft tissue around the corners."""
    out = dict(moved)
    for name in LIPS:
        out[name] = _scale_x(moved[name], factor)
    for name in TISSUE:
        out[name] = _shift_x(moved[name], (factor - 1) * _corner_pull(source, name))
    return out


def _corner_pull(source: Groups, name: str) -> Tensor:
    """Returns how much each point follows the corners, signed by their side, [B, N]."""
    pull = torch.zeros_like(source[name][..., 0])
    for corner in (source["inner_upper"][:, :1], source["inner_upper"][:, -1:]):
        distance = (source[name] - corner).square().sum(-1)
        pull = pull + 0.75 * corner[..., 0] * torch.exp(-distance / CORNER_REACH**2)
    return pull


def _shift_x(points: Tensor, by: Tensor) -> Tensor:
    return torch.stack([points[..., 0] + by, points[..., 1]], -1)


def _scale_x(points: Tensor, by: Tensor) -> Tensor:
    return torch.stack([points[..., 0] * by, points[..., 1]], -1)
