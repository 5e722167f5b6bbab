"""Which reference frames lend the inside of their mouth."""

from typing import NamedTuple

import torch
from torch import Tensor

from export.builtin.landmark2face.control_points import GROUPS, SKIN
from export.builtin.landmark2face.head import face_scale, pitch, yaw_offset
from export.builtin.landmark2face.lips import MouthFrame
from export.builtin.landmark2face.mouth import MOUTH_GROUPS, mouth_of
from export.builtin.landmark2face.mouth_shapes import MouthShape, smoothstep

LEAST_OPEN, OPEN = 0.06, 0.14  # gap in mouth widths that begins to show, and shows, an inside
HEIGHTS = (0.2, 0.35, 0.5, 0.65, 0.8)  # of an opening, where teeth are looked for
UPPER_TEETH = 1  # index of the height that shows them
DEEP = 4  # index of the height that shows the depths of a mouth
SWITCH = 0.05  # score difference over which one reference gives way to the other


class Lender(NamedTuple):
    """One reference chosen for every row of the batch.

    Attributes:
        number: INT64 [B], which reference as sent, from 0.
        share: FP32 [B, 1], part of its mouth in the blend.
        quality: FP32 [B, 1], 0 where its mouth is shut.
        upper: FP32 [B, 11, 2], upper inner contour in the frame of its own mouth.
        gap: FP32 [B, 11, 2], inner gap along the mouth, in its mouth widths.
        below_nose: FP32 [B, 1], the upper lip's distance from the nose base, in its mouth widths.
        teeth: FP32 [B, 1], share of its opening, from above, that shows teeth.
        hollow: FP32 [B, 1], 1 where it shows the depths of the mouth.
        depths: FP32 [B, 3], colour of those depths, 0..1.
        frame: Frame of its mouth.
        scale: FP32 [B, 1, 2], reference lengths per frame length, along and across.
    """

    number: Tensor
    share: Tensor
    quality: Tensor
    upper: Tensor
    gap: Tensor
    below_nose: Tensor
    teeth: Tensor
    hollow: Tensor
    depths: Tensor
    frame: MouthFrame
    scale: Tensor


def choose_lenders(
    reference: Tensor, reference_mesh: Tensor, mesh: Tensor, shape: MouthShape
) -> tuple[Lender, Lender]:
    """Chooses the two references to show, best first.

    The shares cross at one half, so that the picture does not jump when the two change places.

    Args:
        reference: UINT8 [B, 4, 256, 256, 3].
        reference_mesh: FP32 [B, 4, 468, 2].
        mesh: FP32 [B, 468, 2] of the frame.
        shape: The wanted shape.
    """
    colours = _inside_colours(reference, reference_mesh)
    white = _tooth_like(colours, skin_colour(reference, reference_mesh).unsqueeze(2))
    likeness = _likeness_of_pose(reference_mesh, mesh)
    scores = likeness + _show(white, reference_mesh) + _suit(white, shape)
    best = torch.topk(scores, 2, dim=1)
    second = torch.sigmoid((best.values[:, 1:] - best.values[:, :1]) / SWITCH)
    looks = (reference_mesh, white, colours[:, :, DEEP])
    first, other = ([_take(look, best.indices[:, i]) for look in looks] for i in range(2))
    return (
        _lender(best.indices[:, 0], 1 - second, first, mesh),
        _lender(best.indices[:, 1], second, other, mesh),
    )


def skin_colour(image: Tensor, mesh: Tensor) -> Tensor:
    """Returns the mean colour of chin and cheeks, 0..1.

    Args:
        image: UINT8 [B, R, 256, 256, 3].
        mesh: FP32 [B, R, 468, 2].

    Returns:
        FP32 [B, R, 3].
    """
    return pick(image, mesh[:, :, SKIN]).mean(2)


def lip_colour(image: Tensor, mesh: Tensor) -> Tensor:
    """Returns the mean colour of the lower lip; arguments and result as of `skin_colour`."""
    inner, outer = (mesh[:, :, GROUPS[name][3:8]] for name in ("inner_lower", "outer_lower"))
    return pick(image, (inner + outer) / 2).mean(2)


def pick(image: Tensor, points: Tensor) -> Tensor:
    """Reads the nearest pixels, 0..1.

    Args:
        image: UINT8 [B, R, S, S, 3].
        points: FP32 [B, R, N, 2] in crop units.

    Returns:
        FP32 [B, R, N, 3].
    """
    side = image.shape[2]
    cell = (points * side).floor().clamp(0, side - 1).long()
    index = (cell[..., 1] * side + cell[..., 0]).unsqueeze(-1).expand(-1, -1, -1, 3)
    return torch.gather(image.flatten(2, 3), 2, index).float() / 255


def _likeness_of_pose(reference_mesh: Tensor, mesh: Tensor) -> Tensor:
    """Rates references by how near their pose is to the frame's, 0 at best, [B, 4]."""
    flat, counts = reference_mesh.flatten(0, 1), reference_mesh.shape[:2]
    turn = (yaw_offset(flat).reshape(counts) - yaw_offset(mesh)).abs()
    nod = (pitch(flat).reshape(counts) - pitch(mesh)).abs()
    return -0.6 * turn - 0.4 * nod


def _show(white: Tensor, reference_mesh: Tensor) -> Tensor:
    """Rates references by how much they show, of a mouth and of teeth, [B, 4]."""
    teeth = white[:, :, UPPER_TEETH]
    opening = _opening(reference_mesh.flatten(0, 1)).reshape_as(teeth)
    return opening.clamp(max=0.6) * (1 + 0.3 * teeth)


def _suit(white: Tensor, shape: MouthShape) -> Tensor:
    """Rates references for a shape: open vowels want depths, lips that part want teeth, [B, 4]."""
    opening, parted = shape.opening.unsqueeze(1), shape.parted.unsqueeze(1)
    return 0.35 * opening * (1 - white[:, :, DEEP]) + 0.2 * parted * white[:, :, DEEP]


def _opening(mesh: Tensor) -> Tensor:
    """Returns the size of an opening, as the side of a square, per distance of the eyes, [B, 1]."""
    upper, lower = mesh[:, GROUPS["inner_upper"]], mesh[:, GROUPS["inner_lower"]]
    gap = torch.relu((lower - upper)[:, 4:7, 1]).mean(1, keepdim=True)
    width = (upper[:, -1] - upper[:, 0]).square().sum(-1, keepdim=True).sqrt()
    return (gap * width).sqrt() / face_scale(mesh)[:, :1]


def _tooth_like(colour: Tensor, skin: Tensor) -> Tensor:
    """Returns 1 for colours [..., 3] that are bright and pale beside the skin's."""
    white = colour.amin(-1) / skin.mean(-1).clamp(min=0.05)
    return smoothstep(0.35, 0.85, white)


def _inside_colours(reference: Tensor, mesh: Tensor) -> Tensor:
    """Returns the mean colour inside each mouth at the given heights, [B, 4, heights, 3]."""
    upper = mesh[:, :, GROUPS["inner_upper"][3:8]]
    lower = mesh[:, :, GROUPS["inner_lower"][3:8]]
    points = torch.cat([upper + height * (lower - upper) for height in HEIGHTS], 2)
    return pick(reference, points).unflatten(2, (len(HEIGHTS), 5)).mean(3)


def _take(values: Tensor, number: Tensor) -> Tensor:
    """Returns values[b, number[b]] of values [B, 4, ...]."""
    shape = (-1, 1, *(1 for _ in values.shape[2:]))
    index = number.reshape(shape).expand(-1, 1, *values.shape[2:])
    return torch.gather(values, 1, index)[:, 0]


def _lender(number: Tensor, share: Tensor, looks: list[Tensor], mesh: Tensor) -> Lender:
    its_mesh, white, depths = looks
    mouth = mouth_of({name: its_mesh[:, GROUPS[name]] for name in MOUTH_GROUPS})
    upper, lower = mouth.upper, mouth.lower
    opening = torch.relu(lower[..., 1] - upper[..., 1])
    return Lender(
        number,
        share,
        quality=smoothstep(LEAST_OPEN, OPEN, opening[:, 5:6]),
        upper=upper,
        below_nose=mouth.below_nose,
        gap=torch.stack([(upper[..., 0] + lower[..., 0]) / 2, opening], -1),
        teeth=(0.25 + 0.15 * white.sum(1, keepdim=True)).clamp(max=1),
        hollow=1 - white[:, DEEP : DEEP + 1],
        depths=depths,
        frame=mouth.frame,
        scale=(face_scale(its_mesh) / face_scale(mesh)).clamp(0.8, 1.25).unsqueeze(1),
    )
