"""Samples of a source reach its planes as they are, whatever its pixel format."""

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from orchestrator.media.chroma import Siting
from orchestrator.media.frames import read_frames
from orchestrator.media.info import VideoInfo, probe_video
from orchestrator.media.orientation import UPRIGHT, Orientation
from orchestrator.media.pixels import Plane, rows_of
from orchestrator.media.planes import Conversion
from orchestrator.media.rgb import EXACT_SCALING

FORMATS = ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le")
MIRRORED = Orientation(-1, 0, 0, 1)
LEFT_TURN = Orientation(0, -1, 1, 0)
RIGHT_TURN = Orientation(0, 1, -1, 0)


def noise(name: str, width: int = 64, height: int = 48, seed: int = 0) -> VideoFrame:
    """A picture of random samples that fill the depth of a planar format."""
    random = np.random.default_rng(seed)
    frame = VideoFrame(width, height, name)
    for plane, component in zip(frame.planes, frame.format.components, strict=True):
        highest = 1 << component.bits
        write(plane, random.integers(0, highest, (plane.height, plane.width)), component.bits)
    return frame


def write(plane: av.video.plane.VideoPlane, samples: NDArray[np.int64], bits: int) -> None:
    view = rows_of(plane).view("u1" if bits == 8 else "<u2")
    view[: plane.height, : plane.width] = samples


def samples(frame: VideoFrame) -> list[NDArray[np.int64]]:
    """Planes of a planar little-endian picture."""
    kind = np.dtype("u1" if frame.format.components[0].bits == 8 else "<u2")
    return [
        rows_of(plane).view(kind)[: plane.height, : plane.width].astype(np.int64)
        for plane in frame.planes
    ]


def convert(
    frame: VideoFrame, orientation: Orientation = UPRIGHT, siting: Siting = "left"
) -> tuple[Plane, ...]:
    return Conversion.of(frame.format, orientation, siting).planes(frame)


def make_noise_video(path: Path, codec: str, name: str) -> list[VideoFrame]:
    """Encodes three pictures without loss."""
    options = {"qp": "0"} if codec == "libx264" else {}
    frames = [noise(name, seed=seed) for seed in range(3)]
    with av.open(str(path), "w") as container:
        stream = cast("VideoStream", container.add_stream(codec, 25, options=options))
        stream.width, stream.height, stream.pix_fmt = 64, 48, name
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return frames


def check_exact(info: VideoInfo, frames: list[VideoFrame]) -> None:
    for frame, given in zip(read_frames(info), frames, strict=True):
        for plane, expected in zip(frame.planes, samples(given), strict=True):
            np.testing.assert_array_equal(plane, expected)


@pytest.mark.parametrize("codec", ["libx264", "ffv1"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_source_of_8_or_10_bits_keeps_its_format_and_every_sample(
    tmp_path: Path, codec: str, name: str
) -> None:
    frames = make_noise_video(tmp_path / "clip.mkv", codec, name)
    info = probe_video(tmp_path / "clip.mkv")
    assert info.pixel_format.name == name
    check_exact(info, frames)


def test_full_range_under_its_old_name_is_the_same_samples(tmp_path: Path) -> None:
    frames = make_noise_video(tmp_path / "clip.mkv", "libx264", "yuvj420p")
    info = probe_video(tmp_path / "clip.mkv")
    assert (info.pixel_format.name, info.full_range) == ("yuv420p", True)
    check_exact(info, frames)


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("nv12", "yuv420p"),
        ("nv21", "yuv420p"),
        ("nv16", "yuv422p"),
        ("nv24", "yuv444p"),
        ("nv42", "yuv444p"),
        ("yuyv422", "yuv422p"),
        ("uyvy422", "yuv422p"),
        ("yvyu422", "yuv422p"),
        ("nv20le", "yuv422p10le"),
        ("p010le", "yuv420p10le"),
        ("p010be", "yuv420p10le"),
        ("p210le", "yuv422p10le"),
        ("p410le", "yuv444p10le"),
        ("yuv420p10be", "yuv420p10le"),
        ("yuv422p10be", "yuv422p10le"),
        ("yuv444p10be", "yuv444p10le"),
        ("yuv444p10msble", "yuv444p10le"),
    ],
)
def test_samples_in_another_order_are_only_put_in_order(stored: str, name: str) -> None:
    given = noise(name)
    packed = given.reformat(format=stored, interpolation=EXACT_SCALING)
    assert Conversion.of(packed.format, UPRIGHT, "left").target.name == name
    for plane, expected in zip(convert(packed), samples(given), strict=True):
        np.testing.assert_array_equal(plane, expected)


@pytest.mark.parametrize("bits", [12, 14, 16])
def test_deeper_samples_are_rounded_to_ten_bits(bits: int) -> None:
    given = noise(f"yuv422p{bits}le")
    for plane, stored in zip(convert(given), samples(given), strict=True):
        assert plane.dtype == np.uint16
        exact = stored / 2 ** (bits - 10)
        np.testing.assert_allclose(plane, np.minimum(exact, 1023), rtol=0, atol=0.5)


def test_nine_bits_fit_into_ten() -> None:
    given = noise("yuv420p9le")
    for plane, stored in zip(convert(given), samples(given), strict=True):
        np.testing.assert_array_equal(plane, 2 * stored)


@pytest.mark.parametrize(
    ("name", "full_range"), [("gray", False), ("gray", True), ("gray10le", False)]
)
def test_grey_pictures_keep_luma_and_get_neutral_chroma(
    tmp_path: Path, name: str, full_range: bool
) -> None:
    given = noise(name)
    given.color_range = 2 if full_range else 1
    y, u, v = convert(given)
    np.testing.assert_array_equal(y, samples(given)[0])
    neutral = 128 if y.dtype == np.uint8 else 512
    assert u.shape == v.shape == (24, 32)
    assert (u == neutral).all()
    assert (v == neutral).all()


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("yuv411p", "yuv422p"),
        ("yuv440p", "yuv444p"),
        ("yuv410p", "yuv420p"),
        ("yuv440p12le", "yuv444p10le"),
    ],
)
def test_uncommon_chroma_becomes_the_next_richer_form_and_luma_stays(
    stored: str, name: str
) -> None:
    given = noise(stored)
    conversion = Conversion.of(given.format, UPRIGHT, "left")
    assert conversion.target.name == name
    y, u, _ = conversion.planes(given)
    assert u.shape == conversion.target.shapes(64, 48)[1]
    if stored != "yuv440p12le":
        np.testing.assert_array_equal(y, samples(given)[0])


def ramp(name: str, axis: int, step: int, offset: float = 0.0) -> VideoFrame:
    """Chroma whose value is twice the luma column or row at which each sample sits."""
    frame = VideoFrame(64, 64, name)
    for plane in frame.planes:
        places = np.indices((plane.height, plane.width))[1 - axis]
        values = (2 * (places * step + offset)).astype(np.int64)
        write(plane, values, frame.format.components[0].bits)
    return frame


@pytest.mark.parametrize(("orientation", "sign"), [(LEFT_TURN, -1), (RIGHT_TURN, 1)])
def test_turned_422_is_interpolated_where_its_samples_sit(
    orientation: Orientation, sign: int
) -> None:
    _, u, _ = convert(ramp("yuv422p", 0, 2), orientation)
    expected = 2 * np.arange(64)[::sign]
    inside = slice(4, -4)
    assert np.abs(u[inside, 0].astype(int) - expected[inside]).max() <= 1


def test_411_is_interpolated_where_its_samples_sit() -> None:
    _, u, _ = convert(ramp("yuv411p", 0, 4))
    assert np.abs(u[0, 4:-4].astype(int) - 4 * np.arange(32)[4:-4]).max() <= 1


def test_440_is_interpolated_where_its_samples_sit() -> None:
    _, u, _ = convert(ramp("yuv440p", 1, 2, 0.5))
    assert np.abs(u[4:-4, 0].astype(int) - 2 * np.arange(64)[4:-4]).max() <= 1


@pytest.mark.parametrize("name", ["yuv420p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (MIRRORED, np.fliplr),
        (LEFT_TURN, lambda plane: np.rot90(plane, 1)),
        (RIGHT_TURN, lambda plane: np.rot90(plane, 3)),
    ],
)
def test_turning_loses_nothing(name: str, orientation: Orientation, turned: object) -> None:
    given = noise(name)
    for plane, stored in zip(convert(given, orientation), samples(given), strict=True):
        np.testing.assert_array_equal(plane, turned(stored))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "siting", "orientation", "offset"),
    [
        ("yuv420p", "left", UPRIGHT, (0.0, 0.5)),
        ("yuv420p", "center", UPRIGHT, (0.5, 0.5)),
        ("yuv420p", "topleft", UPRIGHT, (0.0, 0.0)),
        ("yuv422p", "left", UPRIGHT, (0.0, 0.0)),
        ("yuv422p", "center", UPRIGHT, (0.5, 0.0)),
        ("yuv444p", "left", UPRIGHT, (0.0, 0.0)),
        ("yuv420p", "left", MIRRORED, (1.0, 0.5)),
        ("yuv422p", "left", MIRRORED, (1.0, 0.0)),
        ("yuv420p", "left", RIGHT_TURN, (0.5, 0.0)),
        ("yuv420p", "left", LEFT_TURN, (0.5, 1.0)),
        ("yuv420p", "topleft", RIGHT_TURN, (1.0, 0.0)),
        ("yuv422p", "left", LEFT_TURN, (0.0, 0.0)),
    ],
)
def test_the_place_of_chroma_turns_with_the_picture(
    name: str, siting: Siting, orientation: Orientation, offset: tuple[float, float]
) -> None:
    source = VideoFormat(name)
    assert Conversion.of(source, orientation, siting).grid(source).offset == offset


@pytest.mark.parametrize("stored", ["yuv422p", "yuv444p", "yuv422p10le", "yuv411p"])
def test_every_player_gets_8_bit_420_with_chroma_in_its_place(stored: str) -> None:
    source = VideoFormat(stored)
    conversion = Conversion.of(source, UPRIGHT, "left", compatible=True)
    step = 16 // source.chroma_width(16)
    planes = conversion.planes(ramp(stored, 0, step))
    assert conversion.target.fits(planes, 64, 64)
    scale = 4 if source.components[0].bits == 10 else 1
    places = 2 * (2 * np.arange(32) + conversion.grid(source).offset[0]) / scale
    assert np.abs(planes[1][0].astype(int) - places)[2:-2].max() <= 1


@pytest.mark.parametrize(
    ("name", "width", "height"), [("yuv420p", 64, 48), ("yuv422p", 64, 49), ("yuv444p", 65, 49)]
)
def test_only_what_is_no_whole_chroma_sample_is_cut_off(name: str, width: int, height: int) -> None:
    given = noise(name, 65, 49)
    conversion = Conversion.of(given.format, UPRIGHT, "left")
    assert conversion.size(given.format, 65, 49) == (width, height)
    planes = conversion.planes(given)
    assert conversion.target.fits(planes, width, height)
    for plane, stored in zip(planes, samples(given), strict=True):
        np.testing.assert_array_equal(plane, stored[: plane.shape[0], : plane.shape[1]])


@pytest.mark.parametrize("name", ["yuva420p", "yuva444p10le", "yuva422p12le"])
def test_alpha_lies_over_black_and_opaque_samples_stay(name: str) -> None:
    given = noise(name)
    bits = given.format.components[0].bits
    alpha = np.full((48, 64), (1 << bits) - 1)
    alpha[:, 32:] = 0
    write(given.planes[3], alpha, bits)
    y, u, v = convert(given)
    deep = min(bits, 10)
    black, neutral = 16 << (deep - 8), 1 << (deep - 1)
    assert (y[:, 32:] == black).all()
    for plane in (u, v):
        assert (plane[:, plane.shape[1] // 2 :] == neutral).all()
    if bits <= 10:
        for plane, stored in zip((y, u, v), samples(given)[:3], strict=True):
            half = plane.shape[1] // 2
            np.testing.assert_array_equal(plane[:, :half], stored[:, :half])


@pytest.mark.parametrize("name", ["yuva420p", "yuva422p10le"])
def test_an_opaque_alpha_changes_nothing(name: str) -> None:
    given = noise(name)
    bits = given.format.components[0].bits
    write(given.planes[3], np.full((48, 64), (1 << bits) - 1), bits)
    for plane, stored in zip(convert(given), samples(given)[:3], strict=True):
        np.testing.assert_array_equal(plane, stored)
