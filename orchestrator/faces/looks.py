"""How a face looks, coarsely: enough to tell the people of one scene apart, no more."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Looks = NDArray[np.number[Any]]

# Vertices of the 468-point face mesh: forehead, temples, brows, eyes, nose, cheeks, mouth and jaw.
_PLACES = [
    10, 67, 297, 109, 338, 54, 284, 127, 356, 105, 334, 159, 386, 145, 374, 168, 6,
    4, 1, 50, 280, 117, 346, 205, 425, 13, 14, 0, 17, 152, 175, 172, 397, 58, 288,
]  # fmt: skip
_BLUR = 1 / 11  # of the crop's side
_TINT_LEVELS = 180.0  # what a tint of factor e counts, in levels of lightness
_DARK = 8.0  # levels added before a tint is read off, against noise in the dark

LOOK_SHAPE = (len(_PLACES), 3)


def look_of(crop: NDArray[np.uint8], mesh: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The colours of a face at fixed places, uint8 [V,3].

    Args:
        crop: uint8 [S,S,3] RGB.
        mesh: float32 [468,2] in 0..1 of the crop.
    """
    size = len(crop)
    blurred = cv2.blur(crop, (max(round(size * _BLUR), 1),) * 2)
    columns, rows = (mesh[_PLACES] * size - 0.5).astype(np.float32).T
    looked = cv2.remap(
        blurred, columns[None], rows[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(looked, np.uint8).reshape(LOOK_SHAPE)


def look_difference(first: Looks, second: Looks) -> float:
    """How differently two looks [V,3] appear, in levels; the brightness of all does not count.

    One person under one light keeps below 13 of their mean look, people of different complexion
    or hair are 19 or more apart (three real clips).
    """
    levels = np.asarray(first, np.float32) - np.asarray(second, np.float32)
    tints = _tint(first) - _tint(second)
    return float(np.abs(levels - levels.mean()).mean() + _TINT_LEVELS * np.abs(tints).mean())


def _tint(look: Looks) -> NDArray[np.float32]:
    lifted = np.asarray(look, np.float32) + np.float32(_DARK)
    return np.asarray(np.log(lifted / lifted.mean(axis=-1, keepdims=True)), np.float32)
