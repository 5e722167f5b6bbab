"""Pictures of a face, always the same ones, to run a model with."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

# Of NASA's portrait of Eileen Collins, [256,256,3], public domain.
_PORTRAIT = Path(__file__).with_name("portrait.jpg")
# The square around her face, 1.5 times its box: rows and columns.
_FACE = slice(39, 199), slice(49, 209)

Pictures = NDArray[np.uint8]


def pictures(count: int, side: int) -> Pictures:
    """Returns black squares with the portrait in them, in another place and size in each.

    Args:
        count: How many.
        side: Of a square.

    Returns:
        uint8 [count,side,side,3] RGB.
    """
    squares = np.zeros((count, side, side, 3), np.uint8)
    for index, square in enumerate(squares):
        size = side * (4 + index % 5) // 8
        at = (side - size) * (index % 3) // 2
        square[at : at + size, side - size - at : side - at] = _resized(_portrait(), size)
    return squares


def faces(count: int, side: int) -> Pictures:
    """Returns upright faces cut as "square-1.5", every second one mirrored, all of other light.

    Args:
        count: How many.
        side: Of the crop.

    Returns:
        uint8 [count,side,side,3] RGB.
    """
    face = _resized(_portrait()[_FACE], side)
    turned = [face if index % 2 == 0 else face[:, ::-1] for index in range(count)]
    light = 1 - 0.1 * (np.arange(count) % 5)[:, None, None, None]
    return (np.stack(turned) * light).astype(np.uint8)


@cache
def _portrait() -> Pictures:
    encoded = np.frombuffer(_PORTRAIT.read_bytes(), np.uint8)
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8)


def _resized(picture: Pictures, side: int) -> Pictures:
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
