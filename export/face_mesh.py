"""MediaPipe's face mesh from the 68 landmarks, for networks that know nothing else.

The 68 landmarks of the iBUG annotation are vertices of the mesh (`IBUG_68`). A spline through them
gives the other vertices: over the positions that all vertices have on a face in three dimensions,
with the kernel of the distance and a linear part (the polyharmonic spline of three dimensions).
Turning a head, and moving it in the picture, changes what is seen of a vertex by a linear function
of its place in space; the linear part follows that exactly. As a spline is linear in the values at
its control points, the whole mesh is a constant matrix times the landmarks.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.builtin.mediapipe.face_landmarks import IBUG_68

# [468,3] float32: x right, y down, z away from the camera, in face widths. The built-in landmark
# network's own points on the portrait of its golden file, averaged with their mirror image.
_SHAPE = Path(__file__).with_name("face_mesh.npy")

_CORNERS = list(IBUG_68)

Floats = NDArray[np.float64]


@cache
def face_shape() -> Floats:
    """Returns where the vertices lie on a face, [468,3], in face widths."""
    return np.asarray(np.load(_SHAPE), np.float64)


def mesh_of_landmarks() -> Floats:
    """Returns the matrix [468,68] that makes a mesh [468,2] of landmarks [68,2].

    Its rows add up to 1, so that the coordinates may be those of any picture, and the vertices that
    are landmarks stay what they are.
    """
    shape = face_shape()
    controls = shape[_CORNERS]
    linear = _linear(controls)
    system = np.block([[_kernel(controls, controls), linear], [linear.T, np.zeros((4, 4))]])
    coefficients = np.linalg.inv(system)[:, : len(controls)]
    basis = np.hstack([_kernel(shape, controls), _linear(shape)])
    return np.asarray(basis @ coefficients)


def _kernel(points: Floats, controls: Floats) -> Floats:
    return np.asarray(np.linalg.norm(points[:, None] - controls[None], axis=-1))


def _linear(points: Floats) -> Floats:
    return np.hstack([np.ones((len(points), 1)), points])
