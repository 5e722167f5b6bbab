"""Which reference frames lend the inside of their mouth, and how it is placed."""

from typing import NamedTuple

import torch
from torch import Tensor

from export.builtin.landmark2face.control_points import GROUPS, SKIN
from export.builtin.landmark2face.head import face_scale, pitch, yaw_offset
from export.builtin.landmark2face.interior import Inside
from export.builtin.landmark2face.lips import MouthFrame, mouth_frame, polyline
from export.builtin.landmark2face.mouth import Mouth
from export.builtin.landmark2face.mouth_shapes import smoothstep

LOWER_FADE = 0.06  # softness of the reference's lower lip line, in mouth widths
LEAST_OPEN, OPEN = 0.06, 0.14  # inner gap in mouth widths that begins to show, and shows, an inside
SWITCH = 0.05  # score difference over which one reference gives way to the other


class Lender(NamedTuple):
    """One reference chosen for every row of the batch.

    Attributes:
        number: INT64 [B], which reference as sent, from 0.
        share: FP32 [B, 1], part of its mouth in the blend.
        quality: FP32 [B, 1], 0 where its mouth is shut.
        upper: FP32 [B, 11, 2], upper inner contour in the frame of its own mouth.
        gap: FP32 [B, 11, 2], inner gap along the mouth, in its mouth widths.
        frame: Frame of its mouth.
        scale: FP32 [B, 1, 2], reference lengths per frame length, along and across.
    """

    number: Tensor
    share: Tensor
    quality: Tensor
    upper: Tensor
    gap: Tensor
    frame: MouthFrame
    scale: Tensor


def choose_lenders(
    reference: Tensor, reference_mesh: Tensor, mesh: Tensor
) -> tuple[Lender, Lender]:
    """Chooses the two references to show, best first.

    The shares cross at one half, so that the picture does not jump when the two change places.

    Args:
        reference: UINT8 [B, 4, 256, 256, 3].
        reference_mesh: FP32 [B, 4, 468, 2].
        mesh: FP32 [B, 468, 2] of the frame.
    """
    best = torch.topk(_scores(reference, reference_mesh, mesh), 2, dim=1)
    second = torch.sigmoid((best.values[:, 1:] - best.values[:, :1]) / SWITCH)
    return (
        _lender(best.indices[:, 0], 1 - second, reference_mesh, mesh),
        _lender(best.indices[:, 1], second, reference_mesh, mesh),
    )


def place(lender: Lender, inside: Inside, mouth: Mouth) -> Tensor:
    """Maps places in the target mouth to the reference, teeth hanging from the upper lip.

    Returns:
        FP32 [B, P, 2]: along and below the upper lip, in the reference's mouth widths.
    """
    ratio = mouth.width / lender.frame.width[:, :, 0]
    middle, its_middle = mouth.upper[:, 5:6, 0], lender.upper[:, 5:6, 0]
    along = its_middle + (inside.x - middle) * ratio * lender.scale[:, :, 0]
    return torch.stack([along, inside.depth * ratio * lender.scale[:, :, 1]], -1)


def cover(lender: Lender, placed: Tensor) -> Tensor:
    """Returns 1 where the reference's mouth is open, 0 on its lips, FP32 [B, P]."""
    gap = polyline(placed[..., 0], lender.gap)
    above_lower = smoothstep(0.0, LOWER_FADE, gap - placed[..., 1])
    within = smoothstep(-0.5, -0.42, -placed[..., 0].abs())
    return lender.quality * above_lower * within * smoothstep(0.02, 0.06, gap)


def to_reference_crop(lender: Lender, placed: Tensor) -> Tensor:
    """Maps places from `place` to crop units of the reference, FP32 [B, P, 2]."""
    across = polyline(placed[..., 0], lender.upper) + placed[..., 1]
    return lender.frame.to_crop(torch.stack([placed[..., 0], across], -1))


def skin_light(image: Tensor, mesh: Tensor) -> Tensor:
    """Returns the mean brightness of chin and cheeks, 0..1.

    Args:
        image: UINT8 [B, R, 256, 256, 3].
        mesh: FP32 [B, R, 468, 2].

    Returns:
        FP32 [B, R].
    """
    return pick(image, mesh[:, :, SKIN]).mean((2, 3))


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


def _scores(reference: Tensor, reference_mesh: Tensor, mesh: Tensor) -> Tensor:
    """Rates references by open mouth, visible teeth and likeness of pose, [B, 4]."""
    flat = reference_mesh.flatten(0, 1)
    upper, lower = flat[:, GROUPS["inner_upper"]], flat[:, GROUPS["inner_lower"]]
    frame = mouth_frame(upper)
    gap = (frame.to_local(lower) - frame.to_local(upper))[:, 5, 1].reshape(reference_mesh.shape[:2])
    turn = (yaw_offset(flat).reshape_as(gap) - yaw_offset(mesh)).abs()
    nod = (pitch(flat).reshape_as(gap) - pitch(mesh)).abs()
    teeth = _teeth(reference, reference_mesh)
    return gap.clamp(0, 0.35) + 0.25 * teeth - 1.2 * turn - 0.8 * nod


def _teeth(reference: Tensor, mesh: Tensor) -> Tensor:
    """Returns how white the upper part of each reference's mouth is beside its skin, [B, 4]."""
    upper = mesh[:, :, GROUPS["inner_upper"][3:8]]
    lower = mesh[:, :, GROUPS["inner_lower"][3:8]]
    inside = pick(reference, upper + 0.35 * (lower - upper))
    white = inside.amin(-1).mean(-1) / skin_light(reference, mesh).clamp(min=0.05)
    return smoothstep(0.35, 0.9, white)


def _lender(number: Tensor, share: Tensor, reference_mesh: Tensor, mesh: Tensor) -> Lender:
    index = number.reshape(-1, 1, 1, 1).expand(-1, 1, 468, 2)
    chosen = torch.gather(reference_mesh, 1, index)[:, 0]
    inner_upper, inner_lower = chosen[:, GROUPS["inner_upper"]], chosen[:, GROUPS["inner_lower"]]
    frame = mouth_frame(inner_upper)
    upper, lower = frame.to_local(inner_upper), frame.to_local(inner_lower)
    opening = torch.relu(lower[..., 1] - upper[..., 1])
    gap = torch.stack([(upper[..., 0] + lower[..., 0]) / 2, opening], -1)
    quality = smoothstep(LEAST_OPEN, OPEN, opening[:, 5:6])
    scale = (face_scale(chosen) / face_scale(mesh)).clamp(0.8, 1.25).unsqueeze(1)
    return Lender(number, share, quality, upper, gap, frame, scale)
