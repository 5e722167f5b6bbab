import numpy as np
import pytest

from orchestrator.faces.colour import Colour
from orchestrator.faces.geometry import Region
from orchestrator.faces.render import Geometry
from orchestrator.faces.views import (
    coverage,
    cut,
    grey_luma,
    landmarks_view,
    mask_view,
    rgb,
    side_by_side,
)
from tests.unit.faces.scenes import STEPS, copied, noise_planes

COLOUR = Colour.named("bt709")
DEEP = Colour.named("bt2020", bits=10)
CROP = np.array([[100.0, 0, 50], [0, 100, 60]])


def layer(weight: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((1, 64, 64, 1), weight, np.uint8)


def test_what_lies_over_each_other_covers_more() -> None:
    interior = np.full((64, 64, 4), 128, np.uint8)
    assert coverage(Geometry()).max() == 0
    assert (coverage(Geometry(layers=layer(100))) == 100).all()
    assert (coverage(Geometry(layers=layer(128), interior=interior)) > 150).all()


def test_a_generated_picture_without_a_mask_covers_the_crop() -> None:
    assert (coverage(Geometry(generated=np.zeros((64, 64, 3), np.uint8))) == 255).all()


@pytest.mark.parametrize("colour", [COLOUR, DEEP])
def test_a_mask_is_white_where_paint_is_and_black_elsewhere(colour: Colour) -> None:
    planes = noise_planes(320, 240, bits=colour.bits)
    shown = rgb(mask_view(planes, colour, [(CROP, Geometry(layers=layer(255)))]), colour)
    assert (shown[70:150, 60:140] >= 254).all()
    assert (shown[:55] <= 1).all()
    assert (shown[:, 160:] <= 1).all()


def test_half_a_weight_is_grey() -> None:
    planes = noise_planes(320, 240)
    shown = rgb(mask_view(planes, COLOUR, [(CROP, Geometry(layers=layer(128)))]), COLOUR)
    assert np.abs(shown[100, 100].astype(int) - 128).max() <= 2


def test_landmarks_are_marked_in_a_copy() -> None:
    planes = noise_planes(320, 240)
    before = copied(planes)
    marked = rgb(landmarks_view(planes, COLOUR, [np.array([[100.0, 80.0]])]), COLOUR)
    assert all(np.array_equal(*pair) for pair in zip(planes, before, strict=True))
    red, green, blue = marked[80, 100].astype(int)
    assert green > red + 50
    assert green > blue + 50
    changed = (marked != rgb(planes, COLOUR)).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 76
    assert rows.max() <= 84
    assert columns.min() >= 96
    assert columns.max() <= 104


def test_landmarks_beside_the_picture_and_no_landmarks_are_no_matter() -> None:
    planes = noise_planes(320, 240)
    landmarks_view(planes, COLOUR, [np.array([[-9.0, 999.0]])])
    unmarked = landmarks_view(planes, COLOUR, [])
    assert all(np.array_equal(*pair) for pair in zip(planes, unmarked, strict=True))


@pytest.mark.parametrize("step", STEPS)
def test_parts_go_side_by_side(step: tuple[int, int]) -> None:
    colour = Colour.named("bt709", chroma_step=step)
    planes = noise_planes(320, 240, step=step)
    part = cut(planes, colour, Region(20, 40, 60, 100))
    both = side_by_side([part, part])
    assert np.array_equal(both[0][:, 40:], planes[0][40:100, 20:60])
    assert both[1].shape == (60 // step[1], 80 // step[0])


@pytest.mark.parametrize("colour", [COLOUR, DEEP, Colour.named("bt601", full_range=True)])
def test_colours_are_those_of_the_picture(colour: Colour) -> None:
    wanted = np.array([200, 90, 40], np.uint8)
    codes = np.rint(colour.to_yuv(wanted[None, None]))[0, 0]
    dtype = np.uint8 if colour.bits == 8 else np.uint16
    y, u, v = (
        np.full(shape, code, dtype)
        for shape, code in zip([(8, 8), (4, 4), (4, 4)], codes, strict=True)
    )
    assert np.abs(rgb((y, u, v), colour).astype(int) - wanted).max() <= 2


def test_grey_reaches_from_black_to_white() -> None:
    assert grey_luma(np.array([[0, 255]], np.uint8), COLOUR).tolist() == [[16, 235]]
    assert grey_luma(np.array([[0, 255]], np.uint8), DEEP).tolist() == [[64, 940]]
