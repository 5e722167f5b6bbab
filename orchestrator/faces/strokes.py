"""The three ways of painting on a face: moving pixels, laying a picture, laying paint."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.flow import sample_positions
from orchestrator.faces.surface import Surface


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
        moved = cv2.remap(
            source.pixels,
            *sample_positions(self.flow, surface.affine, source.affine, region),
            surface.interpolation,
            borderMode=cv2.BORDER_REPLICATE,
        )
        weights = surface.place(self.weights, region)
        surface.blend(region, np.asarray(moved, np.float32), weights)


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
