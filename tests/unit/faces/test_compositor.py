from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from client.errors import ContractError
from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import Geometry, Region, composite, cut_reference
from orchestrator.faces.crop import Planes
from tests.unit.faces.scenes import (
    GRID,
    OFFSETS,
    box_weights,
    copied,
    layer,
    noise_planes,
    solid_interior,
    square,
)

BT709 = Colour.named("bt709")
CROP = square(40, 30, 160)


def equal(first: Planes, second: Planes) -> bool:
    return all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def random_weights() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (256, 256, 1), dtype=np.uint8)


def changed_pixels(planes: Planes, before: Planes) -> list[Region]:
    """Bounding box of what changed in each plane, in luma pixels."""
    boxes = []
    for index, (plane, old) in enumerate(zip(planes, before, strict=True)):
        rows, columns = np.nonzero(plane != old)
        scale = 2 if index else 1
        boxes.append(
            Region(
                int(columns.min()) * scale,
                int(rows.min()) * scale,
                (int(columns.max()) + 1) * scale,
                (int(rows.max()) + 1) * scale,
            )
        )
    return boxes


def test_a_render_of_nothing_touches_nothing() -> None:
    planes = noise_planes()
    before = copied(planes)
    assert composite(planes, BT709, CROP, Geometry()) is None
    empty = layer(np.zeros((256, 256, 1), np.uint8), dx=0.3)
    assert composite(planes, BT709, CROP, empty) is None
    assert equal(planes, before)


@pytest.mark.parametrize("turn", [0, 45])
@pytest.mark.parametrize("side", [70, 160, 1000])
def test_zero_flow_is_bit_equal_whatever_the_weights(side: float, turn: float) -> None:
    planes = noise_planes()
    before = copied(planes)
    region = composite(planes, BT709, square(40, 30, side, turn), layer(random_weights()))
    assert region is not None
    assert equal(planes, before)


@pytest.mark.parametrize("side", [160.0, 900.0])
def test_a_flow_of_whole_pixels_moves_luma_and_chroma_by_that_many(side: float) -> None:
    planes = noise_planes(1000, 960)
    before = copied(planes)
    moved = layer(box_weights(0.25, 0.75), dx=8 / side, dy=-4 / side)
    composite(planes, BT709, square(40, 30, side), moved)
    inner = slice(30 + round(0.3 * side), 30 + round(0.7 * side))
    rows, columns = inner, slice(inner.start + 10, inner.stop + 10)
    for plane, old, halving in zip(planes, before, (1, 2, 2), strict=True):
        here = (
            slice(rows.start // halving, rows.stop // halving),
            slice(columns.start // halving, columns.stop // halving),
        )
        there = np.roll(old, (4 // halving, -8 // halving), axis=(0, 1))
        assert np.array_equal(plane[here], there[here])


@pytest.mark.parametrize("turn", [0, 30])
def test_only_the_reported_region_changes(turn: float) -> None:
    planes = noise_planes()
    before = copied(planes)
    affine = square(40, 30, 160, turn)
    region = composite(planes, BT709, affine, layer(box_weights(0.25, 0.75), dx=0.1))
    assert region is not None
    assert all(side % 2 == 0 for side in region)
    for box in changed_pixels(planes, before):
        assert region.x0 <= box.x0
        assert region.y0 <= box.y0
        assert box.x1 <= region.x1
        assert box.y1 <= region.y1


def test_the_region_is_no_larger_than_the_weights() -> None:
    region = composite(noise_planes(), BT709, CROP, layer(box_weights(0.25, 0.75), dx=0.1))
    assert region is not None
    x0, y0, x1, y1 = region
    # Weights cover 80..160 of x and 70..150 of y; a texel's reach and even borders come on top.
    assert (x0, y0) >= (76, 66)
    assert (x1, y1) <= (164, 154)


def test_later_layers_cover_earlier_ones_and_all_look_at_the_untouched_frame() -> None:
    planes = noise_planes()
    before = copied(planes)
    weights = np.stack([box_weights(0.25, 0.75)] * 2)
    flow = np.zeros((2, GRID, GRID, 2), np.float32)
    flow[0, ..., 0] = 0.1
    composite(planes, BT709, CROP, Geometry(flow, weights, np.zeros(2, np.int32)))
    inner = (slice(75, 145), slice(85, 155))
    assert np.array_equal(planes[0][inner], before[0][inner])


def test_half_a_weight_mixes_half() -> None:
    planes = noise_planes()
    before = copied(planes)
    half = box_weights(0.25, 0.75) // 255 * 128
    composite(planes, BT709, CROP, layer(half, dx=8 / 160))
    inner = (slice(80, 140), slice(90, 150))
    there = np.roll(before[0], -8, axis=1)
    expected = before[0][inner] * (127 / 255) + there[inner] * (128 / 255)
    np.testing.assert_allclose(planes[0][inner], expected, atol=0.51)


@pytest.mark.parametrize("turn", [0, 45, 90])
def test_a_turned_crop_moves_pixels_along_its_own_axes(turn: float) -> None:
    y, x = np.mgrid[:240, :320].astype(float)
    smooth = np.clip(120 + 50 * np.sin(x / 9) + 50 * np.cos(y / 7), 0, 255)
    planes = (smooth.round().astype(np.uint8), *noise_planes()[1:])
    affine = square(60, 20, 160, turn)
    composite(planes, BT709, affine, layer(box_weights(0.3, 0.7), dx=0.05))
    step = affine[:, :2] @ (0.05, 0)
    there = 120 + 50 * np.sin((x + step[0]) / 9) + 50 * np.cos((y + step[1]) / 7)
    inner = (slice(85, 115), slice(125, 155))
    assert np.abs(planes[0][inner] - there[inner]).max() <= 2.5


def test_flow_in_a_fraction_of_a_node_is_interpolated() -> None:
    y = np.tile((np.arange(1000) / 4).astype(np.uint8), (960, 1))
    planes = (y, *noise_planes(1000, 960)[1:])
    stretch = layer(box_weights(0.2, 0.8))
    u = (np.arange(GRID) + 0.5) / GRID
    stretch.flow[0, ..., 0] = (0.1 * (u - 0.5))[None, :]
    composite(planes, BT709, square(40, 30, 900), stretch)
    x = np.arange(300, 700)
    u_of_x = (x - 40 + 0.5) / 900
    shown = (x + 900 * 0.1 * (u_of_x - 0.5)) / 4
    np.testing.assert_allclose(planes[0][400, x] + 0.375, shown, atol=0.7)


@pytest.mark.parametrize(
    "corner", [(-80.0, -60.0), (240.0, 150.0), (-80.0, 150.0)], ids=["top left", "right", "left"]
)
def test_a_face_cut_by_the_frame_edge_is_painted_up_to_the_edge(
    corner: tuple[float, float],
) -> None:
    planes = noise_planes()
    before = copied(planes)
    affine = square(*corner, 160)
    region = composite(planes, BT709, affine, layer(box_weights(0.1, 0.9), dx=0.2, dy=0.2))
    assert region is not None
    assert (region.x0, region.y0) >= (0, 0)
    assert (region.x1, region.y1) <= (320, 240)
    assert not equal(planes, before)


def test_beyond_the_frame_edge_its_last_pixels_repeat() -> None:
    planes = noise_planes()
    before = copied(planes)
    composite(planes, BT709, square(240, 40, 160), layer(box_weights(0.1, 0.9), dx=0.5))
    assert np.array_equal(planes[0][70:180, 300:], np.repeat(before[0][70:180, -1:], 20, axis=1))


def test_a_face_beside_the_frame_is_left_out() -> None:
    planes = noise_planes()
    before = copied(planes)
    assert composite(planes, BT709, square(900, 30, 160), layer(box_weights(0, 1), dx=0.1)) is None
    assert equal(planes, before)


def test_a_reference_is_sampled_through_its_own_crop() -> None:
    planes, other = noise_planes(seed=1), noise_planes(seed=2)
    reference = cut_reference(other, square(60, 50, 160))  # the face lies 20 px further down right
    whole = copied(other)
    for plane in other:
        plane[...] = 0  # a reference keeps its own pixels
    composite(planes, BT709, CROP, layer(box_weights(0.25, 0.75), source=1), [reference])
    for plane, old, halving in zip(planes, whole, (1, 2, 2), strict=True):
        rows, columns = slice(80 // halving, 140 // halving), slice(90 // halving, 150 // halving)
        there = np.roll(old, -20 // halving, axis=(0, 1))
        assert np.array_equal(plane[rows, columns], there[rows, columns])


def test_a_smaller_turned_reference_lands_at_the_size_of_the_frame() -> None:
    y, x = np.mgrid[:240, :320].astype(float)
    spot = (200 * np.exp(-((x - 119.5) ** 2 + (y - 79.5) ** 2) / 50) + 20).astype(np.uint8)
    other = (spot, *noise_planes()[1:])
    reference = cut_reference(other, square(80, 40, 80, turn_degrees=30))  # the spot is its centre
    planes = noise_planes()
    composite(planes, BT709, CROP, layer(box_weights(0.1, 0.9), source=1), [reference])
    face = np.maximum(planes[0][50:170, 60:180].astype(float) - 20, 0)
    rows, columns = np.mgrid[50:170, 60:180]
    centre = np.array([(columns * face).sum(), (rows * face).sum()]) / face.sum()
    np.testing.assert_allclose(centre, (119.5, 109.5), atol=0.2)
    assert (face > 100).sum() == pytest.approx(4 * (spot > 120).sum(), rel=0.1)


def test_the_second_source_is_the_second_reference() -> None:
    planes, first, second = (noise_planes(seed=seed) for seed in (1, 2, 3))
    references = [cut_reference(first, CROP), cut_reference(second, CROP)]
    composite(planes, BT709, CROP, layer(box_weights(0.25, 0.75), source=2), references)
    inner = (slice(80, 140), slice(90, 150))
    assert np.array_equal(planes[0][inner], second[0][inner])


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full_range", [True, False])
@pytest.mark.parametrize("side", [160, 400])
def test_paint_shows_in_its_own_colour(matrix: str, full_range: bool, side: float) -> None:
    colour = Colour.named(matrix, full_range=full_range)
    planes = noise_planes()
    rgb = (150, 60, 70)
    interior = solid_interior(box_weights(0.25, 0.75), rgb)
    composite(planes, colour, square(40, 30, side), Geometry(interior=interior))
    y, u, v = (plane[140 // h, 150 // h] for plane, h in zip(planes, (1, 2, 2), strict=True))
    shown = colour.to_rgb(np.array([[[y, u, v]]], np.uint8))[0, 0]
    assert np.abs(shown.astype(int) - rgb).max() <= 1


def test_half_covering_paint_lets_half_of_the_frame_through() -> None:
    planes = noise_planes()
    before = copied(planes)
    weights = box_weights(0.25, 0.75)
    interior = np.concatenate((np.zeros((256, 256, 3), np.uint8), weights // 255 * 102), axis=-1)
    composite(planes, BT709, CROP, Geometry(interior=interior))
    inner = (slice(80, 140), slice(90, 150))
    expected = before[0][inner] * 0.6 + 16 * 0.4  # black is 16
    np.testing.assert_allclose(planes[0][inner], expected, atol=0.51)


def test_a_generated_picture_lies_over_the_layers_and_under_the_interior() -> None:
    planes = noise_planes()
    generated = np.full((96, 96, 3), (40, 160, 60), np.uint8)
    mask = box_weights(0.25, 0.75)[:: 256 // 64, :: 256 // 64]
    moved = layer(box_weights(0.1, 0.9), dx=0.1)
    render = Geometry(
        moved.flow,
        moved.layers,
        moved.source,
        solid_interior(box_weights(0.45, 0.55), (200, 40, 40)),
        generated,
        mask,
    )
    composite(planes, BT709, CROP, render)
    y = planes[0]
    green, red = np.rint(BT709.to_yuv(np.array([[[40, 160, 60], [200, 40, 40]]], np.uint8)))[
        0, :, 0
    ]
    assert np.all(y[85:100, 90:150] == green)
    assert np.all(np.abs(y[107:113, 117:123].astype(int) - red) <= 1)


def test_a_generated_picture_without_a_mask_fills_the_crop() -> None:
    planes = noise_planes()
    before = copied(planes)
    white = np.full((256, 256, 3), 255, np.uint8)
    composite(planes, BT709, CROP, Geometry(generated=white))
    assert np.all(planes[0][30:190, 40:200] == 235)
    assert np.array_equal(planes[0][:29], before[0][:29])


def test_a_small_face_shows_a_fine_texture_averaged() -> None:
    planes = noise_planes()
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    composite(planes, BT709, square(100, 100, 32), Geometry(generated=stripes))
    assert np.ptp(planes[0][105:127, 105:127].astype(int)) <= 8


def test_fading_to_nothing_leaves_the_frame() -> None:
    planes = noise_planes()
    before = copied(planes)
    moved = layer(box_weights(0.1, 0.9), dx=0.1)
    white = np.full((256, 256, 3), 255, np.uint8)
    paint = solid_interior(box_weights(0.4, 0.6), (9, 9, 9))
    render = Geometry(moved.flow, moved.layers, moved.source, paint, white)
    assert composite(planes, BT709, CROP, render.faded(0)) is None
    assert equal(planes, before)


def test_fading_scales_every_weight() -> None:
    white = np.full((256, 256, 3), 255, np.uint8)
    paint = solid_interior(box_weights(0.4, 0.6), (100, 50, 10))
    moved = layer(box_weights(0.1, 0.9), dx=0.1)
    half = Geometry(moved.flow, moved.layers, moved.source, paint, white).faded(0.4)
    assert half.layers.max() == 102
    assert half.interior is not None
    assert half.interior[128, 128].tolist() == [40, 20, 4, 102]
    assert half.mask is not None
    assert np.all(half.mask == 102)


def test_a_full_weight_changes_nothing() -> None:
    render = layer(random_weights(), dx=0.1)
    assert render.faded(1.0) is render


def test_a_broken_flow_is_refused() -> None:
    broken = layer(box_weights(0.1, 0.9))
    broken.flow[0, 3, 3, 0] = np.nan
    with pytest.raises(ContractError, match="not finite"):
        composite(noise_planes(), BT709, CROP, broken)


def test_a_reference_that_is_not_there_is_refused() -> None:
    with pytest.raises(ContractError, match="reference 1 of 0"):
        composite(noise_planes(), BT709, CROP, layer(box_weights(0.1, 0.9), source=1))


def test_a_reference_at_the_frame_edge_keeps_its_place() -> None:
    other = noise_planes(seed=2)
    planes = noise_planes(seed=1)
    at_edge = square(-40, -30, 160)
    reference = cut_reference(other, at_edge)
    composite(planes, BT709, CROP, layer(box_weights(0.6, 0.9), source=1), [reference])
    assert np.array_equal(planes[0][130:170, 140:180], other[0][70:110, 60:100])


@pytest.mark.parametrize("offset", OFFSETS)
def test_chroma_is_painted_where_its_samples_sit(offset: tuple[float, float]) -> None:
    colour = Colour.named("bt709", chroma_offset=offset)
    planes = noise_planes()
    planes[1][...] = 50
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (256, 1, 1))
    blue = np.full((256, 256, 3), (40, 40, 200), np.uint8)
    composite(planes, colour, square(20, -10, 251), Geometry(generated=blue, mask=ramp))
    blue_u = float(colour.to_yuv(blue)[0, 0, 1])
    x = np.arange(20, 130) * 2 + colour.chroma_offset[0]
    weights = ((x - 20 + 0.5) * 256 / 251 - 0.5) / 255
    expected = 50 + (blue_u - 50) * weights
    # Half a pixel of misplacement would be a quarter of a code.
    assert np.mean(planes[1][50, 20:130] - expected) == pytest.approx(0, abs=0.08)


@pytest.mark.parametrize("bits", [8, 10])
def test_a_picture_without_colour_gets_none(bits: int) -> None:
    colour = Colour.named("bt709", bits=bits)
    planes = noise_planes(bits=bits)
    for plane in planes[1:]:  # what coding leaves of grey
        plane[...] = (1 << (bits - 1)) + (plane % 5).astype(int) - 2
    before = copied(planes)
    weights = box_weights(0.2, 0.8)
    paint = replace(layer(weights), interior=solid_interior(weights, (200, 20, 20)))
    assert composite(planes, colour, square(80, 60, 120), paint) is not None
    assert not np.array_equal(planes[0], before[0])
    assert equal((before[0], *planes[1:]), before)
