"""Paints a rendered face into a frame's own YUV planes at native resolution."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from client.errors import ContractError
from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import Plane, Planes, chroma_step
from orchestrator.faces.geometry import Affine, Region, covered_region, shifted, side_px
from orchestrator.faces.render import Geometry
from orchestrator.faces.strokes import Move, Paint, Picture, Stroke
from orchestrator.faces.surface import Source, Surface, fitted, support

__all__ = ["Geometry", "Reference", "Region", "composite", "cut_reference"]

_REFERENCE_MARGIN = 0.1  # of the crop's side
_GREY_SLACK = 2  # levels of 8-bit chroma that coding leaves in a picture without colour
_KERNEL_PX = 4  # pixels around a position that interpolation may read


@dataclass(frozen=True)
class Reference:
    """Native pixels around the face of another frame.

    Attributes:
        planes: Y, U, V of the cut.
        affine: The face crop, in luma indices of the cut.
    """

    planes: Planes
    affine: Affine

    @cached_property
    def chroma(self) -> Plane:
        """U and V side by side, [h,w,2]."""
        return np.stack(self.planes[1:], axis=-1)


def cut_reference(planes: Planes, affine: Affine) -> Reference:
    """Copies the pixels of a face crop, with a margin, out of a frame."""
    margin = side_px(affine) * _REFERENCE_MARGIN + _KERNEL_PX
    shape, step = _shape(planes), chroma_step(planes)
    region = covered_region(affine, shape, margin_px=margin).aligned(step, shape)
    luma, chroma = region.slices, region.divided(step).slices
    y, u, v = planes
    cut = y[luma].copy(), u[chroma].copy(), v[chroma].copy()
    return Reference(cut, shifted(affine, region.x0, region.y0))


def composite(
    planes: Planes,
    colour: Colour,
    affine: Affine,
    geometry: Geometry,
    references: Sequence[Reference] = (),
) -> Region | None:
    """Paints one face in place, only where something of it has weight.

    Args:
        planes: Y, U and V of the frame, sides multiples of the chroma step, changed in place.
        colour: Colour of the frame and of the references.
        affine: The face crop in the frame, u to luma pixel indices.
        geometry: What to paint.
        references: What layers of source 1, 2, … sample.

    Returns:
        The box of luma pixels that may have changed, whole chroma samples; None when there is none.

    Raises:
        ContractError: When the flow is not finite or a layer asks for a reference that is not
            there.
    """
    strokes = list(_strokes(geometry, colour, side_px(affine), len(references)))
    if not strokes:
        return None
    shape = _shape(planes)
    region = _touched(strokes, affine, shape).aligned(colour.chroma_step, shape)
    if region.empty:
        return None
    window = region.grown(_reach_px(strokes, affine)).aligned(colour.chroma_step, shape)
    channels = 1 if _is_grey(planes, colour, region) else 3
    for surface in _surfaces(planes, colour, affine, window, references):
        if surface.channels.stop > channels:
            break
        for stroke in strokes:
            stroke.paint(surface)
        _write_back(surface, planes, colour, window, region)
    return region


def _strokes(
    geometry: Geometry, colour: Colour, side: float, reference_count: int
) -> Iterator[Stroke]:
    """Everything that shows, in the order of painting."""
    for flow, layer, source in zip(geometry.flow, geometry.layers, geometry.source, strict=True):
        weights = fitted(layer[..., 0], side)
        box = support(weights)
        if box is not None:
            _check_layer(flow, int(source), reference_count)
            yield Move(box, weights, flow, int(source))
    if geometry.generated is not None:
        yield from _picture(geometry.generated, geometry.mask, colour, side)
    if geometry.interior is not None:
        rgba = fitted(geometry.interior, side)
        box = support(rgba[..., 3].copy())
        if box is not None:
            yield Paint(box, rgba, colour)


def _picture(
    generated: NDArray[np.uint8], mask: NDArray[np.uint8] | None, colour: Colour, side: float
) -> Iterator[Stroke]:
    opaque = np.full(generated.shape[:2], 255, np.uint8)
    weights = fitted(opaque if mask is None else mask[..., 0], side)
    box = support(weights)
    if box is not None:
        yield Picture(box, weights, fitted(colour.to_yuv(generated), side))


def _check_layer(flow: NDArray[np.float32], source: int, reference_count: int) -> None:
    if not np.isfinite(flow).all():
        raise ContractError(
            "A face layer's flow holds values that are not finite; replace the served renderer."
        )
    if not 0 <= source <= reference_count:
        raise ContractError(
            f"A face layer asks for reference {source} of {reference_count}; "
            "replace the served renderer."
        )


def _touched(strokes: Sequence[Stroke], affine: Affine, shape: tuple[int, int]) -> Region:
    low = np.min([stroke.box[0] for stroke in strokes], axis=0)
    high = np.max([stroke.box[1] for stroke in strokes], axis=0)
    return covered_region(affine, shape, box=np.stack((low, high)))


def _reach_px(strokes: Sequence[Stroke], affine: Affine) -> int:
    """How far outside what they touch the strokes read the frame."""
    flows = [stroke.flow for stroke in strokes if isinstance(stroke, Move) and not stroke.source]
    longest = max((float(np.abs(flow).max()) for flow in flows), default=0.0)
    return int(np.ceil(longest * side_px(affine) * np.sqrt(2))) + _KERNEL_PX


def _is_grey(planes: Planes, colour: Colour, region: Region) -> bool:
    """Whether a picture has no colour, as skin always has where there is any."""
    part = region.divided(colour.chroma_step).slices
    neutral, slack = 1 << (colour.bits - 1), _GREY_SLACK << (colour.bits - 8)
    return all(
        neutral - slack <= plane[part].min() and plane[part].max() <= neutral + slack
        for plane in planes[1:]
    )


def _surfaces(
    planes: Planes,
    colour: Colour,
    affine: Affine,
    window: Region,
    references: Sequence[Reference],
) -> Iterator[Surface]:
    """Luma and chroma of a window, with what the references have of each."""
    y, u, v = planes
    yield _surface(
        [y[window.slices]],
        shifted(affine, window.x0, window.y0),
        slice(0, 1),
        cv2.INTER_CUBIC,
        [Source(reference.planes[0][..., None], reference.affine) for reference in references],
    )
    coarse = window.divided(colour.chroma_step)
    yield _surface(
        [u[coarse.slices], v[coarse.slices]],
        shifted(colour.chroma_affine(affine), coarse.x0, coarse.y0),
        slice(1, 3),
        cv2.INTER_LINEAR,  # chroma is smooth, and cubic costs four times as much on two channels
        [
            Source(reference.chroma, colour.chroma_affine(reference.affine))
            for reference in references
        ],
    )


def _surface(
    channels: Sequence[Plane],
    affine: Affine,
    which: slice,
    interpolation: int,
    references: Sequence[Source],
) -> Surface:
    untouched = np.stack(channels, axis=-1, dtype=np.float32)
    return Surface(untouched, untouched.copy(), affine, which, interpolation, tuple(references))


def _write_back(
    surface: Surface, planes: Planes, colour: Colour, window: Region, region: Region
) -> None:
    if surface.channels.start:
        window, region = (box.divided(colour.chroma_step) for box in (window, region))
    local = region.moved(-window.x0, -window.y0)
    painted = surface.painted[local.slices]
    np.clip(np.rint(painted, out=painted), 0, colour.peak, out=painted)
    for channel, plane in enumerate(planes[surface.channels]):
        plane[region.slices] = painted[..., channel]


def _shape(planes: Planes) -> tuple[int, int]:
    height, width = planes[0].shape
    return height, width
