"""RGB crops of YUV planes: only the region that a crop covers is touched."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.geometry import Affine, Letterbox, Region, covered_region, shifted

Plane: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Planes: TypeAlias = tuple[Plane, Plane, Plane]
"""Y [H,W] and U, V of a picture, C-contiguous and writable; uint16 holds more than 8 bits.

U and V have one sample for every `Colour.chroma_step` of luma.
"""


def chroma_step(planes: Planes) -> tuple[int, int]:
    """Luma pixels per chroma sample of a picture, x then y."""
    (height, width), (rows, columns) = planes[0].shape, planes[1].shape
    return width // columns, height // rows


def crop_rgb(planes: Planes, colour: Colour, affine: Affine, size: int) -> NDArray[np.uint8]:
    """Cuts a crop out of a picture as RGB.

    Pixels are averaged over area where the crop is larger than the target, and repeated beyond
    the picture's borders.

    Returns:
        uint8 [size,size,3].
    """
    luma, *chroma = planes
    chroma_affine = colour.chroma_affine(affine)
    samples = [_sample(luma, affine, size)]
    samples += [_sample(plane, chroma_affine, size) for plane in chroma]
    return colour.to_rgb(np.asarray(cv2.merge(samples), np.float32))


def letterbox_rgb(planes: Planes, colour: Colour, size: int) -> tuple[NDArray[np.uint8], Letterbox]:
    """Makes a square RGB thumbnail with the whole picture in its middle and black bars.

    Returns:
        uint8 [size,size,3], and where it lies in the picture.
    """
    height, width = planes[0].shape
    letterbox = Letterbox.of(width, height, size)
    affine = np.column_stack((np.eye(2) * letterbox.scale * size, letterbox.offset))
    thumbnail = crop_rgb(planes, colour, affine, size)
    bar_x, bar_y = (round((size - side / letterbox.scale) / 2) for side in (width, height))
    thumbnail[:bar_y] = thumbnail[size - bar_y :] = 0
    thumbnail[:, :bar_x] = thumbnail[:, size - bar_x :] = 0
    return thumbnail, letterbox


def _sample(plane: Plane, affine: Affine, size: int) -> NDArray[np.float32]:
    """Samples a plane on the size x size grid of a crop given in the plane's own indices."""
    scale = np.linalg.norm(affine[:, :2], axis=1) / size
    margin_px = 2 + 2 * float(scale.max())
    region = _within(covered_region(affine, plane.shape, margin_px=margin_px), plane.shape)
    reduced, factors = _reduced(plane[region.slices].astype(np.float32), scale)
    local = shifted(affine, region.x0 - 0.5, region.y0 - 0.5) / factors[:, None]
    step = local[:, :2] / size
    matrix = np.column_stack((step, local[:, 2] + step @ (0.5, 0.5) - 0.5))
    sampled = cv2.warpAffine(
        reduced,
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(sampled, np.float32)


def _within(region: Region, shape: tuple[int, ...]) -> Region:
    """Grows an empty region beside the picture to the nearest pixels."""
    x0, y0 = min(region.x0, shape[1] - 1), min(region.y0, shape[0] - 1)
    return Region(x0, y0, max(region.x1, x0 + 1), max(region.y1, y0 + 1))


def _reduced(
    plane: NDArray[np.float32], scale: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Averages a plane down by about `scale` (x, y); returns it and the exact factors."""
    if (scale <= 1).all():
        return plane, np.ones(2)
    height, width = plane.shape
    (used_x, columns), (used_y, rows) = _whole(width, scale[0]), _whole(height, scale[1])
    reduced = cv2.resize(plane[:used_y, :used_x], (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, np.float32), np.array([used_x / columns, used_y / rows])


def _whole(length: int, scale: float) -> tuple[int, int]:
    """How many samples of a side are averaged, and into how many."""
    if scale < 2:
        return length, max(round(length / max(scale, 1.0)), 1)
    factor = int(scale)  # whole factors are several times faster; interpolation does the rest
    used = length - length % factor or length
    return used, max(round(used / factor), 1)
