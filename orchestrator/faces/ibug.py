"""The 68 landmarks of the iBUG annotation, read off a face mesh.

"Right" is the person's own: the left of an upright picture, where the annotation starts.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.geometry import Points

# The vertices of the 468-point face mesh nearest to the 68 points, in their order.
_JAW = (127, 234, 132, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 361, 454, 356)
_RIGHT_BROW = (70, 63, 105, 66, 107)
_LEFT_BROW = (336, 296, 334, 293, 300)
_NOSE_BRIDGE = (168, 197, 5, 4)
_NOSE_BASE = (75, 97, 2, 326, 305)
_RIGHT_EYE = (33, 160, 158, 133, 153, 144)
_LEFT_EYE = (362, 385, 387, 263, 373, 380)
_OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
_INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)

VERTICES = (
    *(*_JAW, *_RIGHT_BROW, *_LEFT_BROW, *_NOSE_BRIDGE, *_NOSE_BASE),
    *(*_RIGHT_EYE, *_LEFT_EYE, *_OUTER_LIPS, *_INNER_LIPS),
)
"""Mesh vertex of each landmark, [68]."""

CHIN = 8
LOWER_JAW = slice(2, 15)  # from ear lobe to ear lobe around the chin
BROWS = slice(17, 27)
NOSE_RIDGE = 29  # the lower end of the bone
NOSE_UNDERSIDE = slice(31, 36)
UNDER_NOSE = 33
EYES = slice(36, 48)
MOUTH_CORNERS = (48, 54)

_VERTICES = np.array(VERTICES)


def landmarks_of(meshes: Points) -> NDArray[np.floating[Any]]:
    """The landmarks [...,68,2] of meshes [...,468,2], in the same coordinates."""
    return np.asarray(meshes[..., _VERTICES, :])
