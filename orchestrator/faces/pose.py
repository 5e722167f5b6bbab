"""How far a head is turned, read off its mesh in two dimensions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Meshes = NDArray[np.floating[Any]]
Values = NDArray[np.floating[Any]]

# Vertices of the 468-point face mesh.
_FACE_SIDES = (234, 454)
_EYE_CORNERS = (33, 263)
_EYES = (33, 133, 362, 263)
_NOSE_TIP = 1
_NOSE_BASE = 2
# How far the nose tip stands before the line between the sides of the face, in half face widths;
# found by turning meshes of frontal faces.
_NOSE_DEPTH = 1.43
# Height below the eyes and depth before them, in any unit, of nose tip and nose base on MediaPipe's
# canonical face model.
_TIP_DOWN, _TIP_OUT = 3.75, 4.0
_BASE_DOWN, _BASE_OUT = 4.71, 2.59


def yaw_degrees(meshes: Meshes) -> Values:
    """Turn to the side, [N], of meshes [N,468,2]; 0 looks at the camera."""
    right, left = meshes[:, _FACE_SIDES[0]], meshes[:, _FACE_SIDES[1]]
    across = left - right
    nose = 2 * meshes[:, _NOSE_TIP] - left - right
    square = np.maximum(np.sum(across**2, axis=-1), np.finfo(np.float32).tiny)
    offset = np.sum(nose * across, axis=-1) / square
    return np.asarray(np.degrees(np.arctan(offset / _NOSE_DEPTH)))


def pitch_degrees(meshes: Meshes) -> Values:
    """Nod, [N], of meshes [N,468,2]; positive looks down, 0 at the camera."""
    across = meshes[:, _EYE_CORNERS[1]] - meshes[:, _EYE_CORNERS[0]]
    below = np.stack((-across[:, 1], across[:, 0]), axis=-1)
    eyes = meshes[:, list(_EYES)].mean(axis=1)
    tip = np.sum((meshes[:, _NOSE_TIP] - eyes) * below, axis=-1)
    base = np.sum((meshes[:, _NOSE_BASE] - eyes) * below, axis=-1)
    # tip / base = (tip_down cos + tip_out sin) / (base_down cos + base_out sin), solved for the
    # angle.
    sine, cosine = _BASE_DOWN * tip - _TIP_DOWN * base, _TIP_OUT * base - _BASE_OUT * tip
    return np.asarray(np.degrees(np.arctan2(sine, cosine)))
