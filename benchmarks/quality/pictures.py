"""What a viewer sees beside the mouth's movement: sharpness, seams, trembling, stray changes."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from orchestrator.faces.crop import Plane, Planes, chroma_step
from orchestrator.faces.geometry import Affine, texture_matrix

Codes = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]
Box = tuple[slice, slice]

LIPS: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405)
STILL: Final = (1, 4, 6, 168, 33, 133, 362, 263, 50, 280, 205, 425, 234, 454)
"""Points of nose, eyes, cheeks and temples, which speech does not move."""
ROOM: Final = 0.2  # around the mouth's box, of its width
PAINTED: Final = 254  # of 255, from where a pixel is wholly painted
ABOVE_LIPS: Final = 4  # pixels of the crop between the lips and what is looked at over time
NORMAL: Final = 256  # side of the crop in which frames are compared over time


def mouth_box(mesh: Floats, shape: tuple[int, int]) -> Box:
    """Returns the box around the lips of a mesh [468,2], in a picture [H,W]."""
    lips = mesh[list(LIPS)]
    room = ROOM * np.ptp(lips[:, 0])
    (left, top), (right, bottom) = lips.min(0) - room, lips.max(0) + room
    height, width = shape
    rows = slice(max(0, int(top)), min(height, int(bottom) + 1))
    return rows, slice(max(0, int(left)), min(width, int(right) + 1))


def sharpness(luma: Plane, box: Box) -> float:
    """Returns the variance of the Laplacian inside a box."""
    return float(cv2.Laplacian(luma[box].astype(np.float32), cv2.CV_32F).var())


def seam(source: Plane, result: Plane, painted: Codes) -> float:
    """Returns how much steeper the picture is where the paint ends: 1 is as before.

    Args:
        source: Luma [H,W] before.
        result: Luma [H,W] after.
        painted: How much of each pixel is painted, [H,W].
    """
    edge = (painted > 0) & (painted < 255)
    before, after = (float(_steepness(luma)[edge].mean()) for luma in (source, result))
    return after / max(before, 1e-6)


def stray(source: Planes, result: Planes, painted: Codes, reach_px: int) -> int:
    """Returns how many samples of all planes changed where nothing was painted.

    Args:
        source: Y, U and V before.
        result: Y, U and V after.
        painted: How much of each luma pixel is painted, [H,W].
        reach_px: How far a weight of the crop reaches in the picture.
    """
    kernel = np.ones((2 * reach_px + 1, 2 * reach_px + 1), np.uint8)
    touched = cv2.dilate((painted > 0).astype(np.uint8), kernel) > 0
    step_x, step_y = chroma_step(source)
    height, width = touched.shape
    coarse = touched.reshape(height // step_y, step_y, width // step_x, step_x).any(axis=(1, 3))
    return sum(
        int(((before != after) & ~mask).sum())
        for before, after, mask in zip(source, result, (touched, coarse, coarse), strict=True)
    )


def upright(luma: Plane, affine: Affine) -> NDArray[np.float32]:
    """Returns the face of a picture as float32 [256,256], wherever it is in the picture."""
    matrix = texture_matrix(affine, NORMAL)
    flat = cv2.warpAffine(luma.astype(np.float32), matrix, (NORMAL, NORMAL), flags=cv2.INTER_LINEAR)
    return np.asarray(flat, np.float32)


def cheeks(painted: Codes, affine: Affine, mesh: Floats) -> NDArray[np.bool_]:
    """Returns where a face [256,256] is painted above the mouth, which speech hardly moves."""
    placed = upright(painted, affine) > PAINTED
    matrix = texture_matrix(affine, NORMAL)
    lips = mesh[list(LIPS)] @ matrix[:, :2].T + matrix[:, 2]
    placed[int(lips[:, 1].min()) - ABOVE_LIPS :] = False
    return placed


def similarity(first: Plane, second: Plane, box: Box) -> float:
    """Returns the mean SSIM of 8-bit luma inside a box, with Gaussian weights as it was published.

    Source: Z. Wang et al., "Image Quality Assessment", IEEE Trans. Image Processing 13, 2004.
    """
    found = structural_similarity(  # type: ignore[no-untyped-call]
        first[box], second[box], data_range=255, gaussian_weights=True, sigma=1.5
    )
    return float(found)


def signal_to_noise_db(first: Plane, second: Plane, box: Box) -> float:
    """Returns the PSNR of 8-bit luma inside a box, in dB; 100 where nothing differs."""
    error = float(np.square(first[box].astype(np.float32) - second[box]).mean())
    return 10 * float(np.log10(255**2 / max(error, 255**2 * 1e-10)))


def _steepness(luma: Plane) -> NDArray[np.float32]:
    values = luma.astype(np.float32)
    across, down = cv2.Sobel(values, cv2.CV_32F, 1, 0), cv2.Sobel(values, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down), np.float32)


class Trembling:
    """Second differences over time of what should not move, in the face's own crop."""

    def __init__(self) -> None:
        self._last: list[NDArray[np.float32]] = []
        self._sum, self._count = 0.0, 0

    def add(self, face: NDArray[np.float32], where: NDArray[np.bool_]) -> None:
        """Takes the next frame [256,256], and where to look."""
        self._last.append(face)
        if len(self._last) == 3 and where.any():
            first, middle, last = self._last
            self._sum += float(np.abs(first - 2 * middle + last)[where].mean())
            self._count += 1
        self._last = self._last[-2:]

    @property
    def mean(self) -> float:
        """Mean absolute second difference, in levels."""
        return self._sum / max(self._count, 1)
