"""The three ways of painting on a face: moving pixels, laying a picture, laying paint."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.geometry import Affine, Region
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
            *_sample_positions(self.flow, surface, region, source.affine),
            surface.interpolation,
            borderMode=cv2.BORDER_REPLICATE,
        )
        surface.blend(region, np.asarray(moved, np.uint8), surface.place(self.weights, region))


@dataclass
class Picture:
    """A YUV picture [S,S,3] of the crop, laid through weights [S,S]."""

    box: NDArray[np.float64]
    weights: NDArray[np.uint8]
    yuv: NDArray[np.uint8]

    def paint(self, surface: Surface) -> None:
        """Mixes the picture in by its weights."""
        region = surface.region(self.box)
        if region.empty:
            return
        picture = np.ascontiguousarray(self.yuv[..., surface.channels])
        placed = surface.place(picture, region, cv2.BORDER_REPLICATE, cv2.INTER_CUBIC)
        surface.blend(region, placed, surface.place(self.weights, region))


@dataclass
class Paint:
    """Premultiplied float YUVA [S,S,4], laid over what is there."""

    box: NDArray[np.float64]
    yuva: NDArray[np.float32]

    def paint(self, surface: Surface) -> None:
        """Covers what is there as far as the paint is opaque."""
        region = surface.region(self.box)
        if region.empty:
            return
        texture = np.dstack((self.yuva[..., surface.channels], self.yuva[..., 3]))
        placed = surface.place(texture, region)
        target = surface.painted[region.slices]
        mixed = target * (1 - placed[..., -1:]) + placed[..., :-1]
        target[...] = np.clip(np.rint(mixed), 0, 255)


def _sample_positions(
    flow: NDArray[np.float32], surface: Surface, region: Region, source: Affine
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Columns and rows of the source, float32 [h,w], that each pixel of a region shows."""
    across = source[:, :2] @ np.linalg.inv(surface.affine[:, :2])
    start = source[:, 2] + across @ ((region.x0, region.y0) - surface.affine[:, 2])
    columns = np.arange(region.x1 - region.x0)
    rows = np.arange(region.y1 - region.y0)[:, None]
    displacement = flow @ source[:, :2].T.astype(np.float32)
    positions = []
    for axis in (0, 1):
        moved = surface.place(
            np.ascontiguousarray(displacement[..., axis]), region, cv2.BORDER_REPLICATE
        )
        moved += (start[axis] + across[axis, 0] * columns).astype(np.float32)
        moved += (across[axis, 1] * rows).astype(np.float32)
        positions.append(moved)
    return positions[0], positions[1]
