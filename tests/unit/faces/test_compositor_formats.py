"""Painting at every depth, chroma subsampling, range and matrix."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import Geometry, Region, composite, cut_reference
from orchestrator.faces.crop import Plane, Planes, crop_rgb
from tests.unit.faces.scenes import (
    GRID,
    MATRICES,
    OFFSETS,
    SIZE,
    STEPS,
    box_weights,
    copied,
    layer,
    noise_planes,
    solid_interior,
    square,
)

PORTRAIT = Path(__file__).parents[2] / "data" / "portrait.jpg"
CUSTOMARY_OFFSETS = {(2, 2): (0.0, 0.5), (2, 1): (0.0, 0.0), (1, 1): (0.0, 0.0)}


def name_of(colour: Colour, matrix: str) -> str:
    chroma = {(2, 2): "420", (2, 1): "422", (1, 1): "444"}[colour.chroma_step]
    return f"{matrix}-{'full' if colour.full_range else 'limited'}-{chroma}-{colour.bits}"


def every_colour() -> Sequence[object]:
    colours = []
    for matrix, full, step, bits in product(MATRICES, (False, True), STEPS, (8, 10)):
        colour = Colour.named(
            matrix,
            full_range=full,
            bits=bits,
            chroma_step=step,
            chroma_offset=CUSTOMARY_OFFSETS[step],
        )
        colours.append(pytest.param(colour, id=name_of(colour, matrix)))
    return colours


in_every_colour = pytest.mark.parametrize("colour", every_colour())


def as_plane(codes: NDArray[Any], colour: Colour) -> Plane:
    rounded = np.asarray(np.clip(np.rint(codes), 0, colour.peak), np.float64)
    return rounded.astype(np.uint8) if colour.bits == 8 else rounded.astype(np.uint16)


def sites(
    colour: Colour, width: int, height: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the chroma samples of a picture sit: columns [1,w] and rows [h,1] in luma pixels."""
    (step_x, step_y), (offset_x, offset_y) = colour.chroma_step, colour.chroma_offset
    columns = np.arange(width // step_x, dtype=np.float64) * step_x + offset_x
    rows = np.arange(height // step_y, dtype=np.float64) * step_y + offset_y
    return columns[None], rows[:, None]


def encoded(rgb: NDArray[np.uint8], colour: Colour) -> Planes:
    """A picture in planes; chroma is averaged around where its samples sit."""
    yuv = colour.to_yuv(rgb)
    height, width = yuv.shape[:2]
    columns, rows = np.broadcast_arrays(*sites(colour, width, height))
    soft = cv2.GaussianBlur(yuv, (0, 0), 0.5 * colour.chroma_step[0])
    maps = columns.astype(np.float32), rows.astype(np.float32)
    chroma = cv2.remap(soft, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    u, v = (as_plane(np.asarray(chroma)[..., index], colour) for index in (1, 2))
    return as_plane(yuv[..., 0], colour), u, v


def shown(planes: Planes, colour: Colour) -> NDArray[np.int64]:
    """The whole picture as RGB; its sides are equal."""
    side = planes[0].shape[0]
    return crop_rgb(planes, colour, square(0, 0, side), side).astype(np.int64)


def outside(planes: Planes, region: Region, colour: Colour) -> list[NDArray[np.integer]]:
    """The samples of each plane that lie outside a region."""
    samples: list[NDArray[np.integer]] = []
    for plane, step in zip(planes, ((1, 1), *[colour.chroma_step] * 2), strict=True):
        beside = np.ones(plane.shape, bool)
        beside[region.divided(step).slices] = False
        samples.append(plane[beside])
    return samples


def everything_painted(size: int = SIZE) -> Geometry:
    """A render that moves, takes from a reference, lays a picture and paints."""
    rng = np.random.default_rng(3)
    flow = rng.uniform(-0.1, 0.1, (2, GRID, GRID, 2)).astype(np.float32)
    layers = np.stack([box_weights(0.2, 0.8), box_weights(0.3, 0.6)])
    generated = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    interior = solid_interior(box_weights(0.4, 0.5), (250, 5, 5))
    source = np.array([0, 1], np.int32)
    return Geometry(flow, layers, source, interior, generated, box_weights(0.5, 0.7))


def smooth_scene(side: int = 320) -> NDArray[np.uint8]:
    """A picture without edges, in skin-like and other colours well inside RGB."""
    y, x = np.mgrid[:side, :side] / side
    waves = [np.sin(a * x + b * y + c) for a, b, c in ((5, 3, 0), (-4, 6, 1), (3, -5, 2))]
    return np.asarray(np.rint(128 + 60 * np.stack(waves, axis=-1)), np.uint8)


@in_every_colour
def test_outside_the_region_every_sample_stays(colour: Colour) -> None:
    planes = noise_planes(bits=colour.bits, step=colour.chroma_step)
    before = copied(planes)
    affine = square(41.3, 30.7, 121.6, turn_degrees=13)
    reference = cut_reference(before, affine)
    region = composite(planes, colour, affine, everything_painted(), [reference])
    assert region is not None
    assert region.aligned(colour.chroma_step, (240, 320)) == region
    after, old = outside(planes, region, colour), outside(before, region, colour)
    assert all(np.array_equal(*pair) for pair in zip(after, old, strict=True))
    assert all((plane != old).any() for plane, old in zip(planes, before, strict=True))
    assert all(plane.dtype == old.dtype for plane, old in zip(planes, before, strict=True))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("turn", [0, 45])
def test_zero_flow_is_bit_equal_whatever_the_weights(
    step: tuple[int, int], bits: int, turn: float
) -> None:
    colour = Colour.named("bt709", bits=bits, chroma_step=step)
    planes = noise_planes(bits=bits, step=step)
    before = copied(planes)
    weights = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 1), dtype=np.uint8)
    assert composite(planes, colour, square(40, 30, 160, turn), layer(weights)) is not None
    assert all(np.array_equal(*pair) for pair in zip(planes, before, strict=True))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("bits", [8, 10])
def test_a_reference_keeps_its_samples(step: tuple[int, int], bits: int) -> None:
    colour = Colour.named("bt709", bits=bits, chroma_step=step)
    planes, other = (noise_planes(bits=bits, step=step, seed=seed) for seed in (1, 2))
    reference = cut_reference(other, square(60, 50, 160))  # the face lies 20 px further down right
    moved = layer(box_weights(0.25, 0.75), source=1)
    composite(planes, colour, square(40, 30, 160), moved, [reference])
    for plane, old, (by_x, by_y) in zip(planes, other, ((1, 1), step, step), strict=True):
        rows, columns = slice(80 // by_y, 140 // by_y), slice(90 // by_x, 150 // by_x)
        there = np.roll(old, (-20 // by_y, -20 // by_x), axis=(0, 1))
        assert np.array_equal(plane[rows, columns], there[rows, columns])


@pytest.mark.parametrize("step", STEPS)
def test_deep_samples_are_clipped_at_their_own_peak(step: tuple[int, int]) -> None:
    colour = Colour.named("bt709", bits=10, chroma_step=step)
    planes = noise_planes(bits=10, step=step)
    edges = np.tile(np.repeat([0, 1023], 8), (240, 20)).astype(np.uint16)
    planes[0][...] = edges  # cubic interpolation overshoots at each
    composite(planes, colour, square(40, 30, 160), layer(box_weights(0.2, 0.8), dx=0.5 / 160))
    painted = planes[0][80:140, 90:150]
    assert painted.max() == 1023
    assert painted.min() == 0


@in_every_colour
def test_a_picture_that_equals_the_crop_leaves_a_smooth_face_within_a_level(
    colour: Colour,
) -> None:
    planes = encoded(smooth_scene(), colour)
    before = copied(planes)
    affine = square(30, 40, 256)
    generated = crop_rgb(planes, colour, affine, 256)
    composite(planes, colour, affine, Geometry(generated=generated))
    steps = 1 << (colour.bits - 8)
    for plane, old in zip(planes, before, strict=True):
        assert np.abs(plane.astype(int) - old).max() <= steps
    assert np.abs(shown(planes, colour) - shown(before, colour)).max() <= 1


@in_every_colour
def test_a_picture_that_equals_the_crop_leaves_a_photographed_face_without_a_shift(
    colour: Colour,
) -> None:
    rgb = cv2.cvtColor(np.asarray(cv2.imread(str(PORTRAIT))), cv2.COLOR_BGR2RGB)
    planes = encoded(np.asarray(rgb, np.uint8), colour)
    before = copied(planes)
    affine = square(128, 60, 256)
    generated = crop_rgb(planes, colour, affine, 256)
    composite(planes, colour, affine, Geometry(generated=generated))
    change = (shown(planes, colour) - shown(before, colour))[60:316, 128:384]
    assert np.abs(change.mean(axis=(0, 1))).max() < 0.1
    # Subsampled chroma does not survive a crop unchanged at hard coloured edges.
    assert (np.abs(change) <= 1).mean() > 0.97
    seam = np.concatenate((change[0], change[-1], change[:, 0], change[:, -1]))
    assert np.abs(seam.mean(axis=0)).max() < 0.25


@in_every_colour
@pytest.mark.parametrize("side", [160.0, 400.0])
def test_a_flat_picture_and_paint_come_out_in_their_own_colour(colour: Colour, side: float) -> None:
    rgb = (150, 60, 70)
    picture = Geometry(generated=np.full((SIZE, SIZE, 3), rgb, np.uint8))
    paint = Geometry(interior=solid_interior(box_weights(0.1, 0.9), rgb))
    for render in (picture, paint):
        planes = noise_planes(320, 320, bits=colour.bits, step=colour.chroma_step)
        composite(planes, colour, square(40, 30, side), render)
        inner = shown(planes, colour)[90:150, 100:160]
        assert np.abs(inner - rgb).max() <= 1


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_enlarged_coloured_edges_land_where_the_chroma_sits(
    offset: tuple[float, float], step: tuple[int, int], bits: int
) -> None:
    colour = Colour.named("bt709", bits=bits, chroma_step=step, chroma_offset=offset)
    crop = square(30.4, 20.7, 240)
    middle = crop[:, :2] @ (0.5, 0.5) + crop[:, 2]
    peak = colour.peak

    def edges(along: NDArray[np.float64]) -> NDArray[np.float64]:
        """Hard edges every 40 px, as an anti-aliased picture has them."""
        return peak * (0.5 + 0.3 * np.tanh(2.5 * np.sin(along * np.pi / 40)))

    columns, rows = sites(colour, 320, 280)
    y, u, v = noise_planes(320, 280, bits=bits, step=step)
    u[...], v[...] = as_plane(edges(columns), colour), as_plane(edges(rows), colour)
    composite((y, u, v), colour, crop, enlarged(0.75))

    expected_u = edges(middle[0] + 0.75 * (columns - middle[0]))
    expected_v = edges(middle[1] + 0.75 * (rows - middle[1]))
    inner_x, inner_y = (columns > 90) & (columns < 210), (rows > 80) & (rows < 200)
    inner = inner_x & inner_y
    # Half a pixel of wrong siting would be an eighth of a pixel at this scale.
    assert abs(misplaced_px(u, expected_u, columns, inner, axis=1)) < 0.05
    assert abs(misplaced_px(v, expected_v, rows, inner, axis=0)) < 0.05


def enlarged(share: float) -> Geometry:
    """A layer that shows the middle `share` of the crop over all of it."""
    render = layer(box_weights(0.1, 0.9))
    u = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID - 0.5
    render.flow[0, ..., 0] = ((share - 1) * u)[None]
    render.flow[0, ..., 1] = ((share - 1) * u)[:, None]
    return render


def misplaced_px(
    plane: Plane,
    expected: NDArray[np.float64],
    along: NDArray[np.float64],
    inner: NDArray[np.bool_],
    axis: int,
) -> float:
    """How far the edges of a plane lie from where they are expected, in luma pixels."""
    expected = np.broadcast_to(expected, plane.shape)
    slope = np.gradient(expected, along.ravel(), axis=axis)[inner]
    return float(((expected - plane)[inner] * slope).sum() / (slope**2).sum())
