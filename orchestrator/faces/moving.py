"""A photo whose people move: its planes at any moment."""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import Plane, Planes
from orchestrator.faces.flow import cells, from_cells
from orchestrator.faces.geometry import Region
from orchestrator.faces.idle import IdleMotion

_FINER = 2  # samples of the kept copy per sample of the plane, in each direction
_HERE = np.ones(1)
# What lies half way between samples: a windowed sinc. At any shift 24 taps keep 0.91 or more of
# the Laplacian variance of a photo that is as sharp as its samples allow; 8 taps keep 0.76.
_BETWEEN = np.sinc(np.arange(-11, 13) - 0.5) * np.kaiser(24, 5)
_BETWEEN /= _BETWEEN.sum()
_KERNEL_PX = 16  # half the taps, and what cubic interpolation reads beyond
_LONGEST_CELL_PX = 16
_BAND_PX = 64  # rows worked on at a time: what they need stays in the processor's cache
_NOTHING_PX = 1e-3


class MovingPhoto:
    """Planes of a photo under idle motion; only the part that moves is ever made anew."""

    def __init__(self, planes: Planes, colour: Colour, motion: IdleMotion) -> None:
        """Keeps a copy of what moves at twice the resolution, so that moving it softens nothing.

        Args:
            planes: Of the photo; kept, and neither changed here nor to be changed by others.
            colour: Depth and chroma siting of the planes.
            motion: Of the people in it.
        """
        luma = _Grid((1, 1), (0.0, 0.0))
        chroma = _Grid(colour.chroma_step, colour.chroma_offset)
        self._motion = motion
        self._sheets = [
            _Sheet.of(plane, colour.bits, motion, grid)
            for plane, grid in zip(planes, (luma, chroma, chroma), strict=True)
        ]

    def at(self, time_s: float) -> Planes:
        """The planes at a moment, in their own memory; those of the photo at 0."""
        amounts = self._motion.amounts(time_s)
        y, u, v = (sheet.at(amounts) for sheet in self._sheets)
        return y, u, v


@dataclass(frozen=True)
class _Grid:
    """Where a plane's samples sit: pixels per sample and the first one's place, x then y."""

    step: tuple[int, int]
    offset: tuple[float, float]

    def points(
        self, columns: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Pixels [h,w,2] of columns [w] and rows [h] of samples."""
        samples = np.stack(np.meshgrid(columns, rows), axis=-1)
        return np.asarray(samples * self.step + self.offset)


@dataclass(frozen=True)
class _Sheet:
    """One plane.

    Attributes:
        plane: As in the photo.
        spare_bits: Bits by which the finer samples are deeper than the plane's.
        region: Samples that may move.
        cell: Side of the cells that displacements are computed for, in samples.
        still: Place [h,w,2] of the cells among the finer samples, at rest.
        shapes: Displacement [K,h,w,2] of the cells in finer samples.
        finer: uint16, the surroundings of the region.
    """

    plane: Plane
    spare_bits: int
    region: Region
    cell: int
    still: NDArray[np.float64]
    shapes: NDArray[np.float64]
    finer: NDArray[np.uint16]

    @classmethod
    def of(cls, plane: Plane, bits: int, motion: IdleMotion, grid: _Grid) -> "_Sheet":
        """Prepares a plane whose samples sit on a grid."""
        cell = int(np.clip(motion.detail_px / max(grid.step), 1, _LONGEST_CELL_PX))
        region = _moving_region(plane.shape, motion, grid, cell)
        columns, rows = cells(region.x0, region.x1, cell), cells(region.y0, region.y1, cell)
        shapes = motion.shapes(grid.points(columns, rows)) / grid.step
        reach = int(np.ceil(np.abs(shapes).sum(axis=0).max())) + _KERNEL_PX
        window = region.grown(reach).aligned((1, 1), plane.shape)
        still = np.stack(np.meshgrid(columns - window.x0, rows - window.y0), axis=-1)
        spare_bits = 16 - bits
        finer = _finer(plane[window.slices], spare_bits)
        return cls(plane, spare_bits, region, cell, still * _FINER, shapes * _FINER, finer)

    def at(self, amounts: NDArray[np.float64]) -> Plane:
        """The plane with as much of each shape as given."""
        moved = self.plane.copy()
        places = (self.still + np.tensordot(amounts, self.shapes, 1)).astype(np.float32)
        x0, y0, x1, y1 = self.region
        rows = max(_BAND_PX // self.cell, 1)
        for first in range(0, len(places) - 2, rows):
            top = y0 + first * self.cell
            band = Region(x0, top, x1, min(top + rows * self.cell, y1))
            moved[band.slices] = self._sampled(places[first : first + rows + 2], band)
        return moved

    def _sampled(self, places: NDArray[np.float32], band: Region) -> NDArray[np.uint16]:
        """What rows of the region show, whose cells [h,w,2] lie among the finer samples."""
        columns, rows = (
            from_cells(np.ascontiguousarray(places[..., axis]), self.cell, band) for axis in (0, 1)
        )
        sampled = cv2.remap(
            self.finer, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return _rounded(np.asarray(sampled, np.uint16), self.spare_bits)


def _moving_region(shape: tuple[int, int], motion: IdleMotion, grid: _Grid, cell: int) -> Region:
    """The samples of a plane that may move at any time."""
    height, width = shape
    points = grid.points(cells(0, width, cell), cells(0, height, cell))
    moving = np.abs(motion.shapes(points)).sum(axis=(0, 3)) > _NOTHING_PX
    x, y, columns, rows = cv2.boundingRect(moving.astype(np.uint8))
    # Cell 0 lies before the first sample; one more on each side fades to nothing.
    x0, y0 = max((x - 2) * cell, 0), max((y - 2) * cell, 0)
    return Region(x0, y0, min((x + columns) * cell, width), min((y + rows) * cell, height))


def _finer(plane: Plane, spare_bits: int) -> NDArray[np.uint16]:
    """The plane at twice the resolution; even samples are those of the plane."""
    deep = plane.astype(np.float32) * (1 << spare_bits)
    height, width = plane.shape
    finer = np.empty((height * _FINER, width * _FINER), np.uint16)
    for (row, down), (column, across) in product(enumerate((_HERE, _BETWEEN)), repeat=2):
        anchor = ((len(across) - 1) // 2, (len(down) - 1) // 2)
        filtered = cv2.sepFilter2D(
            deep, cv2.CV_32F, across, down, anchor=anchor, borderType=cv2.BORDER_REPLICATE
        )
        samples = np.clip(np.rint(filtered), 0, _largest(spare_bits))
        finer[row::_FINER, column::_FINER] = samples
    return finer


def _rounded(deep: NDArray[np.uint16], spare_bits: int) -> NDArray[np.uint16]:
    """Samples at the plane's own depth; what overshoots the largest code is clipped to it."""
    codes = np.minimum(deep, np.uint16(_largest(spare_bits)))
    codes += np.uint16(1 << (spare_bits - 1))
    codes >>= spare_bits
    return codes


def _largest(spare_bits: int) -> int:
    """The largest code of the plane, in 16 bits."""
    return ((1 << (16 - spare_bits)) - 1) << spare_bits
