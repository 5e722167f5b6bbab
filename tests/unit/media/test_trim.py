"""The part of a clip that is used: found exactly, played in every mode."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from client.errors import InputError
from orchestrator.media.frames import read_frames
from orchestrator.media.info import VideoInfo, probe_video
from orchestrator.media.playback import WhenLonger, play
from orchestrator.media.trim import trimmed
from tests.unit.media.making import Clip, make_video, numbers

LONG_GOP = {"bf": "3", "b-adapt": "0", "sc_threshold": "0", "x264-params": "keyint=250"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    path = tmp_path_factory.mktemp("trim") / "clip.mp4"
    return probe_video(make_video(path, Clip(count=110, gop=250, options=LONG_GOP)))


@pytest.mark.parametrize(
    ("start_s", "duration_s", "expected"),
    [
        (Fraction(0), None, range(110)),
        (Fraction(2), None, range(50, 110)),
        (Fraction(0), Fraction(1), range(25)),
        (Fraction(399, 100), Fraction(2, 25), range(99, 101)),
        (Fraction(4), Fraction(100), range(100, 110)),
        (Fraction(109, 25), None, range(109, 110)),
    ],
)
def test_a_part_has_exactly_the_frames_of_its_time(
    clip: VideoInfo, start_s: Fraction, duration_s: Fraction | None, expected: range
) -> None:
    part = trimmed(clip, start_s, duration_s)
    frames = list(read_frames(part))
    assert numbers(frames) == list(expected)
    assert [frame.index for frame in frames] == list(range(len(expected)))
    assert part.frame_count == len(expected)
    assert part.duration_s == len(expected) / clip.frame_rate


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("bounce", [60, 61, 62, 63, 62, 61, 60, 61, 62, 63, 62]),
        ("loop", [60, 61, 62, 63, 60, 61, 62, 63, 60, 61, 62]),
        ("freeze", [60, 61, 62, 63, 63, 63, 63, 63, 63, 63, 63]),
        ("cut", [60, 61, 62, 63]),
    ],
)
def test_a_part_is_played_in_each_mode(
    clip: VideoInfo, mode: WhenLonger, expected: list[int]
) -> None:
    frames = list(play(trimmed(clip, Fraction(60, 25), Fraction(4, 25)), 11, mode))
    assert numbers(frames) == expected
    assert [frame.index for frame in frames] == [number - 60 for number in expected]


def test_a_part_of_a_part_counts_from_the_start_of_that_part(clip: VideoInfo) -> None:
    part = trimmed(trimmed(clip, Fraction(2), None), Fraction(1), Fraction(1, 25))
    assert numbers(read_frames(part)) == [75]


def test_a_part_of_a_clip_with_gaps_starts_with_the_picture_of_that_moment(tmp_path: Path) -> None:
    ticks = [0, 40, 80, 120, 240, 280, 400, 440, 480, 520, 640]
    variable = Clip(count=len(ticks), ticks=ticks, time_base=Fraction(1, 1000))
    info = probe_video(make_video(tmp_path / "clip.mkv", variable))
    assert numbers(read_frames(trimmed(info, Fraction(1, 5), Fraction(1, 5)))) == [3, 4, 5, 5, 5]


@pytest.mark.parametrize("start_s", [Fraction(5), Fraction(22, 5), Fraction(-1)])
def test_a_start_outside_the_clip_is_told_its_length(clip: VideoInfo, start_s: Fraction) -> None:
    with pytest.raises(InputError, match=r"clip\.mp4 is 4\.40 s long: start before its end"):
        trimmed(clip, start_s, None)


@pytest.mark.parametrize("duration_s", [Fraction(0), Fraction(1, 100)])
def test_a_part_shorter_than_a_frame_is_told_how_long_one_is(
    clip: VideoInfo, duration_s: Fraction
) -> None:
    with pytest.raises(InputError, match=r"clip\.mp4 has a frame every 0\.\d+ s: use a longer"):
        trimmed(clip, Fraction(0), duration_s)


def test_a_photo_has_no_parts_but_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))
    photo = probe_video(path)
    assert trimmed(photo, Fraction(0), None) is photo
    with pytest.raises(InputError, match="is a photo"):
        trimmed(photo, Fraction(0), Fraction(1))
