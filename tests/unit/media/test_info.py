"""What a probe tells of a video or a recording."""

from fractions import Fraction
from pathlib import Path

import pytest

from orchestrator.media.frames import read_frames
from orchestrator.media.info import ColourTags, probe_audio, probe_video
from orchestrator.media.pixels import YUV420P
from tests.unit.media.making import Clip, make_sound, make_video, number_in, set_rotation, tone

QUARTER_TURN = (0, 1, -1, 0)


@pytest.mark.parametrize(
    ("code", "height", "matrix"),
    [(1, 64, "bt709"), (5, 64, "bt601"), (6, 64, "bt601"), (9, 64, "bt2020")],
)
def test_a_tagged_matrix_is_believed(tmp_path: Path, code: int, height: int, matrix: str) -> None:
    clip = Clip(count=2, height=height, tags=(1, 1, code))
    info = probe_video(make_video(tmp_path / "clip.mp4", clip))
    assert info.matrix == matrix
    assert info.tags == ColourTags(primaries=1, transfer=1, matrix=code)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "tags"),
    [("ffv1", "gray", (1, 1, 0)), ("libx264", "yuv420p", (22, 1, 1)), ("ffv1", "gray", (1, 1, 3))],
)
def test_a_colour_code_that_encoders_refuse_is_not_repeated(
    tmp_path: Path, codec: str, pix_fmt: str, tags: tuple[int, int, int]
) -> None:
    clip = Clip(count=2, codec=codec, pix_fmt=pix_fmt, tags=tags)
    made = probe_video(make_video(tmp_path / "clip.mkv", clip)).tags
    expected = [code if code == 1 else 2 for code in tags]
    assert [made.primaries, made.transfer, made.matrix] == expected


@pytest.mark.parametrize(("height", "matrix"), [(718, "bt601"), (720, "bt709")])
def test_an_untagged_matrix_follows_the_height(tmp_path: Path, height: int, matrix: str) -> None:
    clip = Clip(count=1, height=height)
    info = probe_video(make_video(tmp_path / "clip.mp4", clip))
    assert info.matrix == matrix
    assert info.tags.matrix == 2


def test_range_and_siting_of_ordinary_video(tmp_path: Path) -> None:
    info = probe_video(make_video(tmp_path / "clip.mp4"))
    assert not info.full_range
    assert info.chroma_offset == (0.0, 0.5)
    assert info.sample_aspect is None
    assert not info.is_photo


def test_wide_colour_has_its_chroma_at_the_top_left(tmp_path: Path) -> None:
    info = probe_video(make_video(tmp_path / "clip.mp4", Clip(count=2, tags=(9, 16, 9))))
    assert info.chroma_offset == (0.0, 0.0)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix", "offset"),
    [
        ("mpeg4", "yuv420p", ".mp4", (0.0, 0.5)),
        ("mpeg2video", "yuv420p", ".mpg", (0.0, 0.5)),
        ("mpeg1video", "yuv420p", ".mpg", (0.5, 0.5)),
        ("mjpeg", "yuvj420p", ".mov", (0.5, 0.5)),
        ("mjpeg", "yuvj422p", ".mov", (0.5, 0.0)),
        ("mjpeg", "yuvj444p", ".mov", (0.0, 0.0)),
        ("libx264", "yuv422p", ".mp4", (0.0, 0.0)),
        ("prores_ks", "yuv422p10le", ".mov", (0.0, 0.0)),
        ("png", "rgb24", ".mov", (0.5, 0.5)),
    ],
)
def test_chroma_sits_where_the_format_has_it_by_custom(
    tmp_path: Path, codec: str, pix_fmt: str, suffix: str, offset: tuple[float, float]
) -> None:
    clip = Clip(count=2, codec=codec, pix_fmt=pix_fmt)
    assert probe_video(make_video(tmp_path / f"clip{suffix}", clip)).chroma_offset == offset


@pytest.mark.parametrize(
    ("pix_fmt", "turned", "offset"),
    [
        ("yuv420p", "yuv420p", (0.5, 0.0)),
        ("yuv422p", "yuv444p", (0.0, 0.0)),
        ("yuv444p10le", "yuv444p10le", (0.0, 0.0)),
    ],
)
def test_a_quarter_turn_takes_chroma_along(
    tmp_path: Path, pix_fmt: str, turned: str, offset: tuple[float, float]
) -> None:
    path = make_video(tmp_path / "clip.mp4", Clip(count=2, pix_fmt=pix_fmt))
    info = probe_video(set_rotation(path, QUARTER_TURN))
    assert info.pixel_format.name == turned
    assert info.chroma_offset == offset
    assert next(read_frames(info)).planes[0].shape == (96, 64)


def test_the_shape_of_pixels_that_only_the_container_tells_is_kept(tmp_path: Path) -> None:
    shape = Fraction(16, 15)
    clip = Clip(count=2, codec="prores_ks", pix_fmt="yuv422p10le", sample_aspect=shape)
    assert probe_video(make_video(tmp_path / "clip.mov", clip)).sample_aspect == shape


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "yuv422p", "yuv444p10le", "gray"])
def test_frames_for_every_player_are_8_bit_420(tmp_path: Path, pix_fmt: str) -> None:
    path = make_video(tmp_path / "clip.mkv", Clip(count=2, codec="ffv1", pix_fmt=pix_fmt))
    info = probe_video(path, compatible=True)
    assert info.pixel_format == YUV420P
    frame = next(read_frames(info))
    assert YUV420P.fits(frame.planes, info.width, info.height)
    assert number_in(frame.planes[0]) == 0


def test_a_quarter_turn_swaps_the_sides_and_the_shape_of_pixels(tmp_path: Path) -> None:
    clip = Clip(count=2, width=128, sample_aspect=Fraction(4, 3))
    path = make_video(tmp_path / "clip.mp4", clip)
    assert probe_video(path).sample_aspect == Fraction(4, 3)
    info = probe_video(set_rotation(path, QUARTER_TURN))
    assert (info.width, info.height) == (64, 128)
    assert info.sample_aspect == Fraction(3, 4)


def test_rgb_video_becomes_bt709(tmp_path: Path) -> None:
    clip = Clip(count=2, codec="png", pix_fmt="rgb24")
    info = probe_video(make_video(tmp_path / "clip.mov", clip))
    assert (info.matrix, info.full_range, info.tags) == ("bt709", False, ColourTags(1, 1, 1))


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [
        ("speech.wav", "pcm_s16le", 8000, 1),
        ("speech.wav", "pcm_s24le", 48000, 2),
        ("speech.mp3", "libmp3lame", 44100, 2),
        ("speech.m4a", "aac", 44100, 1),
    ],
)
def test_a_recording_is_described(
    tmp_path: Path, name: str, codec: str, rate: int, channels: int
) -> None:
    path = make_sound(tmp_path / name, tone(1.5, rate, channels), rate, codec)
    info = probe_audio(path)
    assert (info.sample_rate, info.channels) == (rate, channels)
    assert info.codec == {"libmp3lame": "mp3"}.get(codec, codec)
    assert info.duration_s == pytest.approx(1.5, abs=2 * 1152 / rate)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".flv"])
def test_the_sound_of_a_video_is_a_recording(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / f"clip{suffix}", Clip(count=50), sound=(44100, 2))
    assert probe_audio(path).duration_s == pytest.approx(2.0, abs=0.1)
