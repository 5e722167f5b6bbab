"""Pictures that show what was done to a face: where it was painted, and what was found of it."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import Plane, Planes
from orchestrator.faces.geometry import Affine, Points, Region, texture_matrix
from orchestrator.faces.render import Geometry

_DOT_OF_SIDE = 0.004  # radius of a landmark, of the picture's longer side
_GREEN = (40, 255, 120)
_OPAQUE = 255


def coverage(geometry: Geometry) -> NDArray[np.uint8]:
    """How much of a crop is painted, by whatever: uint8 [S,S], 255 is all of it."""
    weights = [*(layer[..., 0] for layer in geometry.layers), *_pictures(geometry)]
    if not weights:
        return np.zeros((1, 1), np.uint8)
    size = max(len(weight) for weight in weights)
    shown = np.ones((size, size), np.float32)
    for weight in weights:
        fitting = cv2.resize(weight, (size, size), interpolation=cv2.INTER_LINEAR)
        shown *= 1 - fitting.astype(np.float32) / _OPAQUE
    return np.asarray(np.rint((1 - shown) * _OPAQUE), np.uint8)


def placed_coverage(
    affine: Affine, geometry: Geometry, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """How much of each pixel of a picture [H,W] a render covers, 0..255."""
    weights = coverage(geometry).astype(np.float32)
    placed = cv2.warpAffine(
        weights,
        texture_matrix(affine, len(weights)),
        shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    return np.asarray(placed, np.float32)


def _pictures(geometry: Geometry) -> Iterable[NDArray[np.uint8]]:
    if geometry.mask is not None:
        yield geometry.mask[..., 0]
    elif geometry.generated is not None:
        yield np.full(geometry.generated.shape[:2], _OPAQUE, np.uint8)
    if geometry.interior is not None:
        yield geometry.interior[..., 3]


def mask_view(planes: Planes, colour: Colour, renders: Sequence[tuple[Affine, Geometry]]) -> Planes:
    """Shows in white where a picture was painted, and how thickly; the rest is black.

    Args:
        planes: The picture, which stays as it is.
        colour: Its colour.
        renders: Crop and render of every face.
    """
    height, width = planes[0].shape
    painted = np.zeros((height, width), np.float32)
    for affine, geometry in renders:
        painted = np.maximum(painted, placed_coverage(affine, geometry, (height, width)))
    neutral = 1 << (colour.bits - 1)
    u, v = (np.full_like(plane, neutral) for plane in planes[1:])
    return grey_luma(np.rint(painted).astype(np.uint8), colour), u, v


def grey_luma(grey: NDArray[np.uint8], colour: Colour) -> Plane:
    """The luma of a grey picture [H,W], 0 is black and 255 is white."""
    codes = np.rint(colour.to_yuv(np.repeat(grey[..., None], 3, axis=-1))[..., 0])
    return codes.astype(np.uint8) if colour.bits == 8 else codes.astype(np.uint16)


def landmarks_view(planes: Planes, colour: Colour, meshes: Iterable[Points]) -> Planes:
    """Marks the points of face meshes [N,2] in a copy of a picture, in a green that skin lacks."""
    y, u, v = (plane.copy() for plane in planes)
    radius = max(1, round(max(y.shape) * _DOT_OF_SIDE / 2))
    codes = np.rint(colour.to_yuv(np.full((1, 1, 3), _GREEN, np.uint8))[0, 0]).tolist()
    points = [point for mesh in meshes for point in mesh]
    _mark([y], points, codes[:1], radius)
    coarse = (np.asarray(points).reshape(-1, 2) - colour.chroma_offset) / colour.chroma_step
    _mark([u, v], coarse, codes[1:], radius // max(colour.chroma_step))
    return y, u, v


def _mark(
    channels: Sequence[Plane], points: Iterable[Points], codes: Sequence[float], radius: int
) -> None:
    for x, row in np.rint(np.asarray(points)).astype(int).tolist():
        for plane, code in zip(channels, codes, strict=True):
            cv2.circle(plane, (x, row), radius, code, -1)


def cut(planes: Planes, colour: Colour, region: Region) -> Planes:
    """A part of a picture, whole chroma samples, in its own memory."""
    coarse = region.divided(colour.chroma_step).slices
    y, u, v = planes
    return y[region.slices].copy(), u[coarse].copy(), v[coarse].copy()


def side_by_side(pictures: Sequence[Planes]) -> Planes:
    """Pictures of one size in a row."""

    def row(index: int) -> Plane:
        return np.ascontiguousarray(np.concatenate([planes[index] for planes in pictures], axis=1))

    return row(0), row(1), row(2)


def rgb(planes: Planes, colour: Colour) -> NDArray[np.uint8]:
    """A whole picture as full-range RGB [H,W,3]."""
    y, *chroma = (plane.astype(np.float32) for plane in planes)
    (step_x, step_y), (x, y0) = colour.chroma_step, colour.chroma_offset
    places = np.array([[1 / step_x, 0, -x / step_x], [0, 1 / step_y, -y0 / step_y]])
    spread = [
        cv2.warpAffine(
            plane,
            places,
            (y.shape[1], y.shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for plane in chroma
    ]
    return colour.to_rgb(np.asarray(cv2.merge([y, *spread]), np.float32))
