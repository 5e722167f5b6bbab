"""Where a face lies that is to be restored, and how what was restored is laid over it.

Networks that restore faces were trained on FFHQ's alignment: a square turned, scaled and moved so
that eyes, nose and mouth corners lie where they usually do (the template of facexlib, at 512
pixels).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.geometry import Affine, Points
from orchestrator.faces.paste import ellipse_weights
from orchestrator.faces.render import Geometry

_TEMPLATE_PX = np.array(
    [(192.98, 239.95), (318.90, 240.19), (256.63, 314.02), (201.26, 371.41), (313.09, 371.15)]
)
_TEMPLATE = (_TEMPLATE_PX + 0.5) / 512

# Mesh vertices of the same: corners of the right and the left eye, tip of the nose, mouth corners.
_POINTS = ((33, 133), (362, 263), (1,), (61,), (291,))

# HeyGem pastes through an ellipse of half axes 160 and 220 pixels that is blurred widely. Here it
# is an ellipse that ends 20 pixels inside the crop, and has half its weight a little inside that.
_AXES = (180 / 512, 236 / 512)
_SOFT = 0.3


def restoration_affine(mesh: Points) -> Affine:
    """The crop of a mesh [468,2] in native pixels: the nearest turned square to the template.

    Found by least squares: with points as complex numbers, native = a u + b.
    """
    points = np.array([mesh[list(vertices)].mean(axis=0) for vertices in _POINTS], np.float64)
    native, template = (each[:, 0] + 1j * each[:, 1] for each in (points, _TEMPLATE))
    u = template - template.mean()
    a = np.vdot(u, native) / np.vdot(u, u).real
    b = native.mean() - a * template.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def restored_geometry(restored: NDArray[np.uint8], weight: float) -> Geometry:
    """What is laid over a face.

    Args:
        restored: uint8 [S,S,3], RGB, of the crop.
        weight: 0 (the face as it is) to 1.
    """
    return Geometry(generated=restored, mask=_mask(len(restored))).faded(weight)


@lru_cache(4)
def _mask(size: int) -> NDArray[np.uint8]:
    weights = ellipse_weights((0.5, 0.5), _AXES, _SOFT, size)
    mask = np.rint(weights * 255).astype(np.uint8)[..., None]
    mask.flags.writeable = False
    return mask
