"""Where to look for faces that the thumbnail of the whole picture does not show."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import Planes, crop_rgb
from orchestrator.faces.geometry import Affine

Boxes = NDArray[np.floating[Any]]

_SMALLEST_TILE_PX = 192  # a smaller one would show nothing that its picture does not
_TILES_ALONG = 4  # tiles are a quarter of the longer side: faces of 1/50 of it fill 1/12 of a tile
_OVERLAP = 1 / 3  # of a tile, more than the largest face that the thumbnail misses
_ZOOM_OUT = 2.5  # found faces of up to 1.7 times the longer side
_NEAR = 4.0  # sides of a face


def tiles(width: int, height: int) -> list[Affine]:
    """Overlapping squares over a picture, each to be looked at as a picture of its own.

    Returns:
        Crops of the picture; none when they would hardly be smaller than it.
    """
    side = max(max(width, height) / _TILES_ALONG, _SMALLEST_TILE_PX)
    if side >= max(width, height) / 2:
        return []
    return [_square(x, y, side) for y in _starts(height, side) for x in _starts(width, side)]


def zoomed_out(width: int, height: int) -> Affine:
    """A square around the picture in which a face larger than the picture is small enough."""
    side = max(width, height) * _ZOOM_OUT
    return _square((width - side) / 2, (height - side) / 2, side)


def near(box: Boxes, width: int, height: int) -> Affine:
    """A square around the place [4] (x1 y1 x2 y2) where a face was a moment ago."""
    side = min(_NEAR * float(np.max(box[2:] - box[:2])), _ZOOM_OUT * max(width, height))
    x, y = (box[:2] + box[2:] - side) / 2
    return _square(float(x), float(y), side)


def square_rgb(planes: Planes, colour: Colour, square: Affine, size: int) -> NDArray[np.uint8]:
    """Cuts a square out of a picture as RGB, uint8 [size,size,3], black beside the picture."""
    image = crop_rgb(planes, colour, square, size)
    height, width = planes[0].shape
    columns, rows = _inside(square, 0, width, size), _inside(square, 1, height, size)
    image[: rows.start] = image[rows.stop :] = 0
    image[:, : columns.start] = image[:, columns.stop :] = 0
    return image


def detections_to_native(
    detections: NDArray[np.float32], square: Affine, size: int
) -> NDArray[np.float32]:
    """Maps detections [K,15] (box, score, five points) from a square's size x size pixels."""
    native = detections.copy()
    scale, offset = square[0, 0] / size, square[:, 2]
    native[:, 0:4] = native[:, 0:4] * scale + np.tile(offset, 2)
    native[:, 5:15] = native[:, 5:15] * scale + np.tile(offset, 5)
    return native


def _inside(square: Affine, axis: int, length: int, size: int) -> slice:
    """The samples of a square along one axis that show the picture."""
    first = -(square[axis, 2] + 0.5) / square[axis, axis] * size
    last = first + length / square[axis, axis] * size
    return slice(*(int(np.clip(np.rint(edge), 0, size)) for edge in (first, last)))


def _starts(length: int, side: float) -> list[float]:
    """Evenly spread starts of squares that cover a length and overlap; one centred if it fits."""
    if side >= length:
        return [(length - side) / 2]
    count = 1 + int(np.ceil((length - side) / (side * (1 - _OVERLAP))))
    return [float(start) for start in np.linspace(0, length - side, count)]


def _square(x: float, y: float, side: float) -> Affine:
    return np.array([[side, 0, x - 0.5], [0, side, y - 0.5]])
