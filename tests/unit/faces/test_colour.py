import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from tests.unit.faces.scenes import square

MATRICES = ("bt601", "bt709", "bt2020")


def rgb_cube() -> NDArray[np.uint8]:
    steps = np.linspace(0, 255, 18).round()
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    return cube.reshape(1, -1, 3).astype(np.uint8)


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize(("full_range", "steps"), [(True, 1), (False, 2)])
def test_rgb_survives_eight_bit_yuv_as_well_as_its_steps_allow(
    matrix: str, full_range: bool, steps: int
) -> None:
    colour = Colour.named(matrix, full_range=full_range)
    rgb = rgb_cube()
    back = colour.to_rgb(colour.to_yuv(rgb))
    assert np.abs(back.astype(int) - rgb).max() <= steps


@pytest.mark.parametrize("matrix", MATRICES)
def test_limited_range_has_black_at_16_and_white_at_235(matrix: str) -> None:
    greys = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    yuv = Colour.named(matrix).to_yuv(greys)
    assert yuv.tolist() == [[[16, 128, 128], [235, 128, 128]]]


def test_full_range_keeps_greys_as_they_are() -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    yuv = Colour.named("bt601", full_range=True).to_yuv(greys)
    assert np.array_equal(yuv[..., 0], greys[..., 0])
    assert np.all(yuv[..., 1:] == 128)


@pytest.mark.parametrize(("matrix", "red"), [("bt601", (81, 90, 240)), ("bt709", (63, 102, 240))])
def test_pure_red_has_the_codes_of_its_standard(matrix: str, red: tuple[int, int, int]) -> None:
    yuv = Colour.named(matrix).to_yuv(np.array([[[255, 0, 0]]], np.uint8))
    assert tuple(yuv[0, 0].tolist()) == red


def test_values_outside_rgb_are_clipped() -> None:
    rgb = Colour.named("bt709").to_rgb(np.array([[[255, 255, 255], [0, 0, 0]]], np.uint8))
    assert rgb[0, 0, ::2].tolist() == [255, 255]
    assert rgb[0, 1, ::2].tolist() == [0, 0]


@pytest.mark.parametrize("full_range", [True, False])
def test_opaque_paint_has_the_codes_of_its_colour(full_range: bool) -> None:
    colour = Colour.named("bt709", full_range=full_range)
    rgb = rgb_cube()
    opaque = np.dstack((rgb, np.full(rgb.shape[:2], 255, np.uint8)))
    yuva = colour.to_yuv_premultiplied(opaque)
    assert np.abs(yuva[..., :3] - colour.to_yuv(rgb)).max() <= 0.501
    assert np.all(yuva[..., 3] == 1)


@pytest.mark.parametrize(
    ("location", "first_sample"),
    [("left", (0.0, 0.5)), ("center", (0.5, 0.5)), ("topleft", (0.0, 0.0))],
)
def test_chroma_samples_lie_where_their_location_says(
    location: str, first_sample: tuple[float, float]
) -> None:
    colour = Colour.named("bt709", chroma_location=location)
    affine = square(10, 20, 64)
    u = np.array([0.3, 0.7])
    luma = affine[:, :2] @ u + affine[:, 2]
    chroma_affine = colour.chroma_affine(affine)
    chroma = chroma_affine[:, :2] @ u + chroma_affine[:, 2]
    np.testing.assert_allclose(2 * chroma + first_sample, luma)
