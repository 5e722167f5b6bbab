"""The three ways of painting on a face: moving pixels, laying a picture, laying paint."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.flow import Map, sample_positions
from orchestrator.faces.surface import Pixels, Surface

_RESTORED = 0.25  # per pixel beside one: grain of a camera (0.7 px wide) keeps its strength


class Stroke(Protocol):
    """Something to paint.

    Attributes:
        box: What it touches, [[x0,y0],[x1,y1]] in crop units.
    """

    box: NDArray[np.float64]

    def paint(self, surface: Surface) -> None:
        """Paints it on one surface."""


@dataclass
class Move:
    """Native pixels of the frame or of a reference, moved by a flow [G,G,2]."""

    box: NDArray[np.float64]
    weights: NDArray[np.uint8]
    flow: NDArray[np.float32]
    source: int

    def paint(self, surface: Surface) -> None:
        """Mixes the moved pixels in by their weights."""
        region = surface.region(self.box)
        if region.empty:
            return
        source = surface.source(self.source)
        positions = sample_positions(self.flow, surface.affine, source.affine, region)
        sampled = cv2.remap(
            source.pixels, *positions, surface.interpolation, borderMode=cv2.BORDER_REPLICATE
        )
        moved = np.asarray(sampled, np.float32)
        if not surface.channels.start:
            moved = _sharpened(moved, *positions)
        surface.blend(region, moved, surface.place(self.weights, region))


@dataclass
class Picture:
    """A YUV picture of the crop, float32 codes [S,S,3], laid through weights [S,S]."""

    box: NDArray[np.float64]
    weights: NDArray[np.uint8]
    yuv: NDArray[np.float32]

    def paint(self, surface: Surface) -> None:
        """Mixes the picture in by its weights."""
        region = surface.region(self.box)
        if region.empty:
            return
        picture = np.ascontiguousarray(self.yuv[..., surface.channels])
        placed = surface.place(picture, region, cv2.BORDER_REPLICATE, surface.interpolation)
        surface.blend(region, placed, surface.place(self.weights, region))


@dataclass
class Paint:
    """Premultiplied full-range RGBA [S,S,4], laid over what is there."""

    box: NDArray[np.float64]
    rgba: NDArray[np.uint8]
    colour: Colour

    def paint(self, surface: Surface) -> None:
        """Covers what is there as far as the paint is opaque."""
        region = surface.region(self.box)
        if region.empty:
            return
        paint = self.colour.to_yuv_premultiplied(surface.place(self.rgba, region))
        target = surface.painted[region.slices]
        target[...] = target * (1 - paint[..., 3:]) + paint[..., surface.channels]


def _sharpened(moved: Pixels, columns: Map, rows: Map) -> Pixels:
    """Gives grain back what interpolation took: most of it between pixels, nothing on them.

    Args:
        moved: Interpolated luma [h,w].
        columns: Where each pixel was sampled, [h,w].
        rows: Likewise.
    """
    beside = cv2.add(
        cv2.absdiff(columns, np.rint(columns)),
        cv2.absdiff(rows, np.rint(rows)),
    )
    detail = cv2.subtract(moved, cv2.blur(moved, (3, 3)))
    restored = cv2.multiply(detail, beside, dst=detail, scale=_RESTORED)
    return np.asarray(cv2.add(moved, restored, dst=restored), np.float32)
