"""A photo as a clip of one frame."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from client.errors import MediaError
from orchestrator.media.frames import Frame, read_frames
from orchestrator.media.info import probe_video
from orchestrator.media.playback import WhenLonger, play
from tests.unit.media.making import Clip, make_picture, make_video, set_exif_orientation

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """Red, green above blue, white."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2 :] = GREEN
    pixels[height // 2 :, : width // 2] = BLUE
    pixels[height // 2 :, width // 2 :] = WHITE
    return pixels


def bt709_to_rgb(frame: Frame) -> NDArray[np.float64]:
    """Limited-range BT.709 to RGB by the definition, at half size."""
    y = (frame.planes[0][::2, ::2] - 16.0) / 219
    u, v = ((plane - 128.0) / 224 for plane in frame.planes[1:])
    red, blue = y + 1.5748 * v, y + 1.8556 * u
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    return np.stack([red, green, blue], axis=-1) * 255


def corners(frame: Frame) -> list[tuple[int, ...]]:
    """Colours near the four corners: top left, top right, bottom left, bottom right."""
    rgb = bt709_to_rgb(frame)
    return [
        tuple(round(value / 255) * 255 for value in rgb[y, x]) for y in (3, -4) for x in (3, -4)
    ]


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("photo.png", "png", "rgb24"),
        ("photo.jpg", "mjpeg", "yuvj444p"),
        ("photo.jpeg", "mjpeg", "yuvj420p"),
        ("photo.bmp", "bmp", "bgr24"),
        ("photo.tiff", "tiff", "rgb24"),
        ("photo.webp", "libwebp", "bgra"),
    ],
)
def test_a_photo_is_one_frame_of_limited_bt709_with_its_colours(
    tmp_path: Path, name: str, codec: str, pix_fmt: str
) -> None:
    info = probe_video(make_picture(tmp_path / name, quarters(), codec, pix_fmt))
    assert info.is_photo
    assert info.frame_count == 1
    assert (info.matrix, info.full_range, info.chroma_offset) == ("bt709", False, (0.5, 0.5))
    (frame,) = read_frames(info)
    rgb = bt709_to_rgb(frame)
    centres = rgb[[6, 6, 18, 18], [8, 24, 8, 24]]
    np.testing.assert_allclose(centres, [RED, GREEN, BLUE, WHITE], atol=6)


# The corners of the stored picture as each EXIF orientation shows them.
@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ],
)
def test_exif_orientation_is_applied(
    tmp_path: Path, orientation: int, expected: list[tuple[int, ...]]
) -> None:
    path = make_picture(tmp_path / "photo.jpg", quarters(), "mjpeg", "yuvj444p")
    info = probe_video(set_exif_orientation(path, orientation))
    assert (info.width, info.height) == ((64, 48) if orientation < 5 else (48, 64))
    (frame,) = read_frames(info)
    assert frame.planes[0].shape == (info.height, info.width)
    assert corners(frame) == expected


def test_alpha_lies_over_black(tmp_path: Path) -> None:
    pixels = np.dstack([quarters(), np.full((48, 64), 255, np.uint8)])
    pixels[:, 32:, 3] = 0
    info = probe_video(make_picture(tmp_path / "photo.png", pixels, "png", "rgba"))
    (frame,) = read_frames(info)
    assert corners(frame) == [RED, (0, 0, 0), BLUE, (0, 0, 0)]


def test_grey_stays_grey(tmp_path: Path) -> None:
    pixels = np.full((48, 64, 3), 128, np.uint8)
    info = probe_video(make_picture(tmp_path / "photo.png", pixels, "png", "gray"))
    (frame,) = read_frames(info)
    assert abs(frame.planes[0].astype(int) - (16 + 128 / 255 * 219)).max() <= 1
    assert abs(frame.planes[1].astype(int) - 128).max() <= 1


def test_an_odd_size_loses_its_last_row_and_column(tmp_path: Path) -> None:
    info = probe_video(make_picture(tmp_path / "p.png", quarters(65, 49), "png", "rgb24"))
    assert (info.width, info.height) == (64, 48)
    (frame,) = read_frames(info)
    assert frame.planes[0].shape == (48, 64)


def test_a_huge_photo_shrinks_to_what_players_show(tmp_path: Path) -> None:
    info = probe_video(make_picture(tmp_path / "p.png", quarters(5000, 101), "png", "rgb24"))
    assert (info.width, info.height) == (3840, 78)
    (frame,) = read_frames(info)
    assert frame.planes[0].shape == (78, 3840)


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    info = probe_video(make_picture(tmp_path / "me %03d.png", quarters(), "png", "rgb24"))
    assert info.is_photo


@pytest.mark.parametrize("mode", ["bounce", "loop", "freeze", "cut"])
def test_a_photo_lasts_as_long_as_wanted_in_any_mode(tmp_path: Path, mode: WhenLonger) -> None:
    info = probe_video(make_picture(tmp_path / "photo.png", quarters(), "png", "rgb24"))
    seen = 0
    for frame in play(info, 7, mode):
        assert frame.index == 0
        assert corners(frame) == [RED, GREEN, BLUE, WHITE]
        for plane in frame.planes:
            plane[:] = 0  # painting one frame must not show in the next
        seen += 1
    assert seen == 7


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
def test_a_jpeg_that_was_cut_short_is_told(tmp_path: Path, kept: float) -> None:
    path = make_picture(tmp_path / "photo.jpg", quarters(640, 480), "mjpeg", "yuvj420p")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(MediaError, match=r"photo\.jpg is damaged or cut short|cannot be opened"):
        probe_video(path)


def test_what_a_phone_appends_to_a_jpeg_does_not_count(tmp_path: Path) -> None:
    path = make_picture(tmp_path / "photo.jpg", quarters(), "mjpeg", "yuvj420p")
    path.write_bytes(path.read_bytes() + b"a film \xff\xda without an end")
    assert probe_video(path).is_photo


def test_the_thumbnail_of_a_cut_jpeg_is_not_its_picture(tmp_path: Path) -> None:
    path = make_picture(tmp_path / "photo.jpg", quarters(640, 480), "mjpeg", "yuvj420p")
    data = path.read_bytes()
    segment = b"Exif\0\0" + b"\xff\xd8 a thumbnail \xff\xd9"
    head = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
    path.write_bytes(head + data[2 : len(data) // 2])
    with pytest.raises(MediaError, match="damaged or cut short"):
        probe_video(path)


def test_a_gif_of_one_picture_is_a_photo(tmp_path: Path) -> None:
    path = make_video(tmp_path / "photo.gif", Clip(count=1, codec="gif", pix_fmt="rgb8"))
    info = probe_video(path)
    assert info.is_photo
    assert info.frame_count == 1
    assert len(list(play(info, 30))) == 30
