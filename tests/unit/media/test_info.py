"""What a probe tells of a video or a recording."""

from fractions import Fraction
from pathlib import Path

import pytest

from orchestrator.media.info import ColourTags, probe_audio, probe_video
from tests.unit.media.making import Clip, make_sound, make_video, set_rotation, tone

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
