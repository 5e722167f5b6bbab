"""Where panels lie on a sheet, and what is done to a picture to become one of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import Plane, Planes
from orchestrator.faces.geometry import Affine, Points, Region
from orchestrator.faces.views import cut, grey_luma, side_by_side

_LOWEST_PX = 360  # of a panel: a smaller face is enlarged
_WIDEST_PX = 3840  # of a sheet: players show no more
_EDGE_PX = 2  # left and right of each panel
_GROUND, _LETTERS = 48, 255  # grey of edges and titles; a mask is black at its border
_BAND_OF_HEIGHT, _LOWEST_BAND_PX = 1 / 14, 28
_LETTERS_OF_BAND = 0.45  # height of capital letters
_HERSHEY_CAPITALS_PX = 21  # at scale 1
_ROOM_OF_WIDTH = 0.92  # that a title may fill

Size = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Panels of one size in a row, each with a title above.

    Attributes:
        region: The part of the picture that every panel shows, whole chroma samples.
        picture: Width and height of that part in a panel, in pixels.
        band_px: Height of the title.
        count: Number of panels.
    """

    region: Region
    picture: Size
    band_px: int
    count: int

    @classmethod
    def of(cls, region: Region, count: int, step: Size, pixel_aspect: float = 1.0) -> Self:
        """Makes small parts large enough to see, and the sheet narrow enough to be shown.

        Args:
            region: What is shown.
            count: Number of panels.
            step: Luma pixels per chroma sample, x then y.
            pixel_aspect: Width of a pixel of the picture over its height; panels have square ones.
        """
        columns, rows = (region.x1 - region.x0) * pixel_aspect, region.y1 - region.y0
        room = _WIDEST_PX // count - 2 * _EDGE_PX
        scale = min(max(1.0, _LOWEST_PX / rows), room / columns)
        width = min(_whole(columns * scale, step[0]), room // step[0] * step[0])
        height = _whole(rows * scale, step[1])
        band = _whole(max(height * _BAND_OF_HEIGHT, _LOWEST_BAND_PX), 2)
        return cls(region, (width, height), band, count)

    @property
    def size(self) -> Size:
        """Width and height of a sheet."""
        width, height = self.picture
        return self.count * (width + 2 * _EDGE_PX), height + self.band_px

    def place(self, panel: int) -> Region:
        """Where the picture of a panel lies on the sheet."""
        width, height = self.picture
        x0 = panel * (width + 2 * _EDGE_PX) + _EDGE_PX
        return Region(x0, self.band_px, x0 + width, self.band_px + height)

    def points(self, points: Points) -> NDArray[np.float64]:
        """Maps pixel indices [...,2] of the whole picture to those of a panel's."""
        corner = np.array([self.region.x0, self.region.y0])
        return np.asarray((points - corner + 0.5) * self._scale - 0.5)

    def affine(self, affine: Affine) -> Affine:
        """The same crop in a panel's picture."""
        linear = affine[:, :2] * self._scale[:, None]
        return np.column_stack((linear, self.points(affine[:, 2])))

    def shown(self, planes: Planes, colour: Colour) -> Planes:
        """The part of a picture that is shown, as large as in a panel."""
        step_x, step_y = colour.chroma_step
        (width, height), part = self.picture, cut(planes, colour, self.region)
        coarse = (width // step_x, height // step_y)
        y, u, v = (
            _resized(plane, size, colour.peak)
            for plane, size in zip(part, ((width, height), coarse, coarse), strict=True)
        )
        return y, u, v

    def sheet(self, pictures: Iterable[Planes], titles: Sequence[str], colour: Colour) -> Planes:
        """Puts panels side by side."""
        return side_by_side(
            [
                self._panel(picture, title, colour)
                for picture, title in zip(pictures, titles, strict=True)
            ]
        )

    @property
    def _scale(self) -> NDArray[np.float64]:
        """Panel pixels per pixel of the picture, x then y."""
        part = (self.region.x1 - self.region.x0, self.region.y1 - self.region.y0)
        return np.asarray(np.array(self.picture) / np.array(part), np.float64)

    def _panel(self, picture: Planes, title: str, colour: Colour) -> Planes:
        step_x, step_y = colour.chroma_step
        ground = int(grey_luma(np.full((1, 1), _GROUND, np.uint8), colour)[0, 0])
        neutral, coarse = 1 << (colour.bits - 1), (self.band_px // step_y, _EDGE_PX // step_x)
        y = _padded(picture[0], self.band_px, _EDGE_PX, ground)
        u, v = (_padded(plane, *coarse, neutral) for plane in picture[1:])
        y[: self.band_px] = grey_luma(_lettered(title, y.shape[1], self.band_px), colour)
        return y, u, v


def _whole(length: float, step: int) -> int:
    return max(step, round(length / step) * step)


def _resized(plane: Plane, size: Size, peak: int) -> Plane:
    if plane.shape == size[::-1]:
        return plane
    way = cv2.INTER_AREA if size[0] < plane.shape[1] else cv2.INTER_CUBIC
    return cast("Plane", np.minimum(cv2.resize(plane, size, interpolation=way), peak))


def _padded(plane: Plane, above: int, beside: int, code: int) -> Plane:
    edges = ((above, 0), (beside, beside))
    return cast("Plane", np.pad(plane, edges, constant_values=code))


def _lettered(text: str, width: int, height: int) -> NDArray[np.uint8]:
    """White letters on dark grey, smaller where the width is not enough for them."""
    strip = np.full((height, width), _GROUND, np.uint8)
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, height * _LETTERS_OF_BAND / _HERSHEY_CAPITALS_PX
    thickness = max(1, round(scale * 1.5))
    (length, _), _ = cv2.getTextSize(text, font, scale, thickness)
    scale *= min(1.0, width * _ROOM_OF_WIDTH / length)
    (length, letters), _ = cv2.getTextSize(text, font, scale, thickness)
    corner = ((width - length) // 2, (height + letters) // 2)
    cv2.putText(strip, text, corner, font, scale, _LETTERS, thickness, cv2.LINE_AA)
    return strip
