import cv2
import numpy as np
import pytest

from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import Planes, crop_rgb, letterbox_rgb
from tests.unit.faces.scenes import MATRICES, OFFSETS, STEPS, copied, noise_planes, square

BT709 = Colour.named("bt709")


def solid_planes(rgb: tuple[int, int, int], width: int, height: int, colour: Colour) -> Planes:
    planes = noise_planes(width, height, bits=colour.bits, step=colour.chroma_step)
    codes = np.rint(colour.to_yuv(np.array([[rgb]], np.uint8))[0, 0])
    for plane, code in zip(planes, codes, strict=True):
        plane[...] = code
    return planes


def chroma_ramps(step: tuple[int, int]) -> Planes:
    """Grey luma; U rises by a half from pixel to pixel along x, V along y."""
    grey, u, v = noise_planes(270, 270, step=step)
    grey[...] = 128
    u[...] = np.rint(60 + np.arange(u.shape[1]) * step[0] / 2)
    v[...] = np.rint(60 + np.arange(v.shape[0]) * step[1] / 2)[:, None]
    return grey, u, v


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full_range", [True, False])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("bits", [8, 10])
def test_a_solid_colour_is_cut_as_that_colour(
    matrix: str, full_range: bool, step: tuple[int, int], bits: int
) -> None:
    colour = Colour.named(matrix, full_range=full_range, bits=bits, chroma_step=step)
    planes = solid_planes((180, 120, 90), 64, 48, colour)
    thumbnail, _ = letterbox_rgb(planes, colour, 40)
    for picture in (crop_rgb(planes, colour, square(10, 8, 30, turn_degrees=17), 32), thumbnail):
        assert picture.dtype == np.uint8
        assert np.abs(picture[10:-10].astype(int) - (180, 120, 90)).max() <= 1


def test_deep_samples_are_rounded_once() -> None:
    planes = solid_planes((0, 0, 0), 64, 48, Colour.named("bt601", bits=10))
    planes[0][...] = np.arange(64)  # a code is a quarter of a level
    full = Colour.named("bt601", full_range=True, bits=10)
    crop = crop_rgb(planes, full, square(0, 0, 48), 48)[10, :, 1]
    assert np.array_equal(crop, np.rint(np.arange(48) * 255 / 1023))


def test_a_crop_of_whole_pixels_is_those_pixels() -> None:
    y, u, v = noise_planes()
    u[...] = v[...] = 128
    full = Colour.named("bt601", full_range=True)
    crop = crop_rgb((y, u, v), full, square(40, 30, 64), 64)
    assert np.array_equal(crop[..., 1], y[30:94, 40:104])


@pytest.mark.parametrize("side", [40, 96, 150, 230, 400])
def test_luma_stays_in_place_at_every_scale(side: int) -> None:
    full = Colour.named("bt601", full_range=True)
    ramp = np.tile((np.arange(500) / 2).astype(np.uint8), (480, 1))
    grey = np.full((240, 250), 128, np.uint8)
    crop = crop_rgb((ramp, grey, grey), full, square(60, 30, side), 96)[..., 1]
    x = 60 + (np.arange(96) + 0.5) * side / 96 - 0.5
    assert np.mean(crop - (x / 2 - 0.25)) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("side", [41, 101, 149, 227])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_chroma_stays_in_place_at_every_siting(
    side: int, offset: tuple[float, float], step: tuple[int, int]
) -> None:
    colour = Colour.named("bt601", full_range=True, chroma_step=step, chroma_offset=offset)
    planes = chroma_ramps(step)
    steps = (np.arange(96) + 0.5) * side / 96 - 0.5
    errors = []
    for origin in np.linspace(15, 19, 24):  # many phases, so that rounding evens out
        crop = crop_rgb(planes, colour, square(origin, origin, side), 96).astype(float)
        u, v = (crop[..., 2] - 128) / 1.772 + 128, (crop[..., 0] - 128) / 1.402 + 128
        x, y = ((origin + steps[:, None] - colour.chroma_offset) / 2 + 60).T
        errors.append((np.mean(u - x), np.mean(v - y[:, None])))
    # Half a pixel of misplacement would be a quarter of a code.
    np.testing.assert_allclose(np.mean(errors, axis=0), 0, atol=0.06)


@pytest.mark.parametrize("side", [150, 210, 480])
def test_fine_detail_averages_out_instead_of_aliasing(side: int) -> None:
    y = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (300, 300))
    grey = np.full((300, 300), 128, np.uint8)
    full = Colour.named("bt601", full_range=True)
    crop = crop_rgb((y, grey, grey), full, square(60, 60, side), 96).astype(float)
    assert crop.std() < 26  # a tenth of the detail's own contrast
    assert crop.mean() == pytest.approx(127.5, abs=1.5)


def test_beyond_the_picture_its_border_repeats() -> None:
    y, u, v = noise_planes(64, 48)
    u[...] = v[...] = 128
    full = Colour.named("bt601", full_range=True)
    crop = crop_rgb((y, u, v), full, square(-16, 0, 32), 32)[..., 1]
    assert np.array_equal(crop[:, 16:], y[:32, :16])
    assert np.all(crop[:, :16] == y[:32, :1])


@pytest.mark.parametrize("corner", [(-500, -500), (900, 20), (20, 900)])
def test_a_crop_beside_the_picture_shows_the_nearest_pixels(corner: tuple[int, int]) -> None:
    planes = solid_planes((180, 120, 90), 64, 48, BT709)
    crop = crop_rgb(planes, BT709, square(*corner, 100), 32)
    assert np.abs(crop.astype(int) - (180, 120, 90)).max() <= 1


def test_cutting_leaves_the_picture_alone() -> None:
    planes = noise_planes()
    before = copied(planes)
    crop_rgb(planes, BT709, square(20, 20, 150), 64)
    letterbox_rgb(planes, BT709, 192)
    assert all(np.array_equal(*pair) for pair in zip(planes, before, strict=True))


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (200, 200), (96, 54)])
def test_a_thumbnail_has_the_picture_in_its_middle_and_black_bars(width: int, height: int) -> None:
    planes = solid_planes((180, 120, 90), width, height, BT709)
    thumbnail, _ = letterbox_rgb(planes, BT709, 192)
    scale = 192 / max(width, height)
    shown = np.asarray(thumbnail.any(axis=-1))
    x, y, columns, rows = cv2.boundingRect(shown.astype(np.uint8))
    assert (columns, rows) == (round(width * scale), round(height * scale))
    assert (x, y) == ((192 - columns) // 2, (192 - rows) // 2)
    assert shown.sum() == columns * rows


def test_a_spot_in_the_thumbnail_leads_back_to_the_picture() -> None:
    planes = solid_planes((0, 0, 0), 640, 360, BT709)
    planes[0][100:120, 500:520] = 235
    thumbnail, letterbox = letterbox_rgb(planes, BT709, 192)
    weights = thumbnail[..., 1] / thumbnail[..., 1].sum()
    rows, columns = np.mgrid[:192, :192] + 0.5
    centre = np.array([(columns * weights).sum(), (rows * weights).sum()])
    np.testing.assert_allclose(
        centre * letterbox.scale + letterbox.offset, (509.5, 109.5), atol=0.3
    )
