import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from tests.unit.faces.scenes import MATRICES, OFFSETS, STEPS, square

SWSCALE = {"bt601": Colorspace.ITU601.value, "bt709": Colorspace.ITU709.value, "bt2020": 9}
ACCURATE = 0x2000 | 0x4000 | 0x40000  # full chroma both ways, accurate rounding


def rgb_cube() -> NDArray[np.uint8]:
    steps = np.linspace(0, 255, 18).round()
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    return cube.reshape(1, -1, 3).astype(np.uint8)


def as_frame(yuv: NDArray[np.float32], bits: int) -> VideoFrame:
    """A 4:4:4 frame of codes [H,W,3]."""
    height, width, _ = yuv.shape
    frame = VideoFrame(width, height, "yuv444p" if bits == 8 else "yuv444p10le")
    sample = np.dtype(np.uint8 if bits == 8 else np.uint16)
    for plane, codes in zip(frame.planes, np.moveaxis(yuv, -1, 0), strict=True):
        rows = np.zeros((height, plane.line_size // sample.itemsize), sample)
        rows[:, :width] = codes
        plane.update(rows.tobytes())
    return frame


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize(
    ("bits", "full_range", "error"), [(8, True, 1), (8, False, 2), (10, True, 0), (10, False, 0)]
)
def test_rgb_survives_yuv_as_well_as_its_steps_allow(
    matrix: str, bits: int, full_range: bool, error: int
) -> None:
    colour = Colour.named(matrix, full_range=full_range, bits=bits)
    rgb = rgb_cube()
    back = colour.to_rgb(np.rint(colour.to_yuv(rgb)))
    assert np.abs(back.astype(int) - rgb).max() <= error


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize(
    ("bits", "full_range", "black", "white", "neutral"),
    [
        (8, False, 16, 235, 128),
        (8, True, 0, 255, 128),
        (10, False, 64, 940, 512),
        (10, True, 0, 1023, 512),
    ],
)
def test_black_white_and_grey_have_the_codes_of_the_range(
    matrix: str, bits: int, full_range: bool, black: int, white: int, neutral: int
) -> None:
    greys = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    yuv = Colour.named(matrix, full_range=full_range, bits=bits).to_yuv(greys)
    expected = [[[black, neutral, neutral], [white, neutral, neutral]]]
    np.testing.assert_allclose(yuv, expected, atol=1e-3)


def test_full_range_keeps_greys_as_they_are() -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    yuv = Colour.named("bt601", full_range=True).to_yuv(greys)
    np.testing.assert_allclose(yuv[..., 0], greys[..., 0], atol=1e-4)
    np.testing.assert_allclose(yuv[..., 1:], 128, atol=1e-4)


@pytest.mark.parametrize(
    ("matrix", "bits", "red"),
    [
        ("bt601", 8, (81, 90, 240)),
        ("bt709", 8, (63, 102, 240)),
        ("bt709", 10, (250, 409, 960)),
        ("bt2020", 10, (294, 387, 960)),
    ],
)
def test_pure_red_has_the_codes_of_its_standard(
    matrix: str, bits: int, red: tuple[int, int, int]
) -> None:
    yuv = Colour.named(matrix, bits=bits).to_yuv(np.array([[[255, 0, 0]]], np.uint8))
    assert tuple(np.rint(yuv[0, 0]).astype(int).tolist()) == red


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full_range", [True, False])
@pytest.mark.parametrize("bits", [8, 10])
def test_ffmpeg_shows_the_same_colours(matrix: str, full_range: bool, bits: int) -> None:
    colour = Colour.named(matrix, full_range=full_range, bits=bits)
    rgb = rgb_cube().reshape(-1, 54, 3)
    yuv = np.clip(np.rint(colour.to_yuv(rgb)), 0, colour.peak)
    shown = as_frame(yuv, bits).to_ndarray(
        format="rgb24",
        src_colorspace=SWSCALE[matrix],
        src_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=ACCURATE,
    )
    assert np.abs(colour.to_rgb(yuv).astype(int) - shown).max() <= 1


@pytest.mark.parametrize("bits", [8, 10])
def test_values_outside_rgb_are_clipped(bits: int) -> None:
    colour = Colour.named("bt709", bits=bits)
    rgb = colour.to_rgb(np.array([[[colour.peak] * 3, [0, 0, 0]]], np.uint16))
    assert rgb[0, 0, ::2].tolist() == [255, 255]
    assert rgb[0, 1, ::2].tolist() == [0, 0]


@pytest.mark.parametrize("full_range", [True, False])
@pytest.mark.parametrize("bits", [8, 10])
def test_opaque_paint_has_the_codes_of_its_colour(full_range: bool, bits: int) -> None:
    colour = Colour.named("bt709", full_range=full_range, bits=bits)
    rgb = rgb_cube()
    opaque = np.dstack((rgb, np.full(rgb.shape[:2], 255, np.uint8)))
    yuva = colour.to_yuv_premultiplied(opaque)
    np.testing.assert_allclose(yuva[..., :3], colour.to_yuv(rgb), atol=1e-3)
    assert np.all(yuva[..., 3] == 1)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_chroma_samples_lie_where_their_offset_says(
    step: tuple[int, int], offset: tuple[float, float]
) -> None:
    colour = Colour.named("bt709", chroma_step=step, chroma_offset=offset)
    affine = square(10, 20, 64, turn_degrees=20)
    u = np.array([0.3, 0.7])
    luma = affine[:, :2] @ u + affine[:, 2]
    chroma_affine = colour.chroma_affine(affine)
    chroma = chroma_affine[:, :2] @ u + chroma_affine[:, 2]
    np.testing.assert_allclose(np.array(step) * chroma + offset, luma)
