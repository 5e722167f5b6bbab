"""The benchmark of playing back and forth: it measures what it says."""

from pathlib import Path

import av
import pytest

from benchmarks.playback_memory import make_clip, measure


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    make_clip(path, 480, 320, 60)
    return path


def test_the_clip_has_one_key_frame(clip: Path) -> None:
    with av.open(str(clip)) as container:
        assert [packet.is_keyframe for packet in container.demux(video=0)][:60] == [
            True,
            *[False] * 59,
        ]


def test_a_long_recording_takes_no_more_memory_than_a_short_one(clip: Path) -> None:
    short, long = measure(clip, 2.0), measure(clip, 20.0)
    assert (short["frames"], long["frames"]) == (50, 500)
    assert long["peak_mb"] < 1.1 * short["peak_mb"]
    assert long["decoded"] <= 1.1 * long["frames"]
