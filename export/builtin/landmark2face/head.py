"""Size and pose of the head, read off the mesh in two dimensions."""

import torch
from torch import Tensor

from export.builtin.landmark2face.control_points import GROUPS
from export.builtin.landmark2face.mouth_shapes import smoothstep

EYE_AT_IMAGE_LEFT = (33, 133)
EYE_AT_IMAGE_RIGHT = (362, 263)
FACE_SIDES = (234, 454)
NOSE_TIP = 1
NOSE_BASE = 2
# Sideways offset of the nose tip in half face widths at 45 and at 50 degrees of yaw, found by
# turning meshes of frontal faces.
YAW_FULL, YAW_NONE = 1.43, 1.7


def frontality(mesh: Tensor) -> Tensor:
    """Returns 1 for faces turned by up to 45 degrees, 0 beyond 50, FP32 [B, 1].

    A mesh too small to be a face counts as turned away.
    """
    left, right = mesh[:, FACE_SIDES[0]], mesh[:, FACE_SIDES[1]]
    size = smoothstep(0.05, 0.15, (right - left).square().sum(-1, keepdim=True).sqrt())
    return size * (1 - smoothstep(YAW_FULL, YAW_NONE, yaw_offset(mesh).abs()))


def yaw_offset(mesh: Tensor) -> Tensor:
    """Returns the nose tip's sideways offset from the middle in half face widths, [B, 1]."""
    left, right = mesh[:, FACE_SIDES[0]], mesh[:, FACE_SIDES[1]]
    across = right - left
    nose = 2 * mesh[:, NOSE_TIP] - left - right
    square = across.square().sum(-1, keepdim=True).clamp(min=1e-6)
    return ((nose * across).sum(-1, keepdim=True) / square).clamp(-3, 3)


def pitch(mesh: Tensor) -> Tensor:
    """Returns the nose tip's height between eyes and nose base; it falls as the head nods."""
    eyes = mesh[:, EYE_AT_IMAGE_LEFT + EYE_AT_IMAGE_RIGHT].mean(1)
    length = (mesh[:, NOSE_BASE, 1:] - eyes[:, 1:]).clamp(min=1e-2)
    return ((mesh[:, NOSE_TIP, 1:] - eyes[:, 1:]) / length).clamp(0, 2)


def face_scale(mesh: Tensor) -> Tensor:
    """Returns the distances between the eyes and from the eyes to the nose base, [B, 2]."""
    left, right = mesh[:, EYE_AT_IMAGE_LEFT].mean(1), mesh[:, EYE_AT_IMAGE_RIGHT].mean(1)
    between = (right - left).square().sum(-1).sqrt()
    down = (mesh[:, NOSE_BASE] - (left + right) / 2).square().sum(-1).sqrt()
    return torch.stack([between, down], -1).clamp(min=1e-2)


def relative_width(mesh: Tensor) -> Tensor:
    """Returns the mouth width per distance of the eyes, which a turn of the head shortens alike."""
    corners = mesh[:, GROUPS["inner_upper"][-1]] - mesh[:, GROUPS["inner_upper"][0]]
    width = corners.square().sum(-1, keepdim=True).sqrt().clamp(min=1e-3)
    return width / face_scale(mesh)[:, :1]
