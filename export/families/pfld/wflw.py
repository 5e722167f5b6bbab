"""The 68 landmarks of the iBUG annotation from the 98 of WFLW."""

import numpy as np
from numpy.typing import NDArray

from export.families.pfld.layout import IBUG, WFLW

# Of every landmark the points that it is the middle of. WFLW's outline has twice as many points,
# and its eyes have one in the middle of every lid, where iBUG's have two.
_JAW = [(point,) for point in range(0, 33, 2)]
_BROWS = [(point,) for point in (*range(33, 38), *range(42, 47))]
_NOSE = [(point,) for point in range(51, 60)]
_RIGHT_EYE = [(60,), (60, 62), (62, 64), (64,), (64, 66), (60, 66)]
_LEFT_EYE = [(68,), (68, 70), (70, 72), (72,), (72, 74), (68, 74)]
_MOUTH = [(point,) for point in range(76, 96)]

IBUG_OF_WFLW = (*_JAW, *_BROWS, *_NOSE, *_RIGHT_EYE, *_LEFT_EYE, *_MOUTH)


def ibug_of_wflw() -> NDArray[np.float32]:
    """Returns the matrix [68,98] that makes landmarks [68,2] of points [98,2]."""
    matrix = np.zeros((IBUG, WFLW), np.float32)
    for landmark, points in enumerate(IBUG_OF_WFLW):
        matrix[landmark, list(points)] = 1 / len(points)
    return matrix
