"""Inputs to compare networks on: always the same, and smooth as pictures are."""

import numpy as np
from numpy.typing import NDArray

_CELL_PX = 16


def pictures(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.uint8]:
    """Returns uint8 pictures [..., H, W, 3]: noise of 16 pixels, and a little of one."""
    rng = np.random.default_rng(seed)
    *many, height, width, channels = shape
    cells = rng.random((*many, -(-height // _CELL_PX), -(-width // _CELL_PX), channels))
    coarse = cells.repeat(_CELL_PX, -3).repeat(_CELL_PX, -2)[..., :height, :width, :]
    return np.asarray(coarse * 223 + rng.random(shape) * 32, np.uint8)


def numbers(shape: tuple[int, ...], scale: float = 1.0, seed: int = 0) -> NDArray[np.float32]:
    """Returns normal float32 numbers."""
    return np.asarray(np.random.default_rng(seed).standard_normal(shape) * scale, np.float32)
