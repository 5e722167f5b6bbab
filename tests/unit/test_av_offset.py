"""Claps are heard when flashes are seen, in results as players time them."""

from fractions import Fraction
from pathlib import Path
from typing import get_args

import pytest

from benchmarks.av_offset.__main__ import ends, make
from benchmarks.av_offset.making import SOUND_CODECS, Mode
from benchmarks.av_offset.measuring import measure
from client.errors import MediaError
from orchestrator.media.encoders import Encoding, choose_encoder
from orchestrator.media.info import probe_video
from orchestrator.media.playback import play
from orchestrator.media.writer import VideoWriter
from tests.unit.media.making import Clip, make_sound, make_video, tone


@pytest.mark.parametrize("suffix", SOUND_CODECS)
@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30)], ids=str)
def test_sound_and_pictures_stay_within_a_millisecond(
    tmp_path: Path, rate: Fraction, mode: Mode, suffix: str
) -> None:
    for offset in ends(make(tmp_path, rate, mode, suffix, Fraction(25))):
        assert offset.flashes >= 8
        assert abs(offset.worst_ms) < 1


def test_an_offset_is_seen(tmp_path: Path) -> None:
    make(tmp_path, Fraction(25), "loop", ".wav", Fraction(12))
    clip = probe_video(tmp_path / "clip.mp4")
    output = tmp_path / "late.mp4"
    encoder = choose_encoder(clip, Encoding(preset="ultrafast"), threads=0)
    with VideoWriter(output, clip, tmp_path / "recording.wav", encoder) as late:
        for position, frame in enumerate(play(clip, 300, "loop")):
            if position:  # every picture is one frame early
                late.write(frame.planes)
        late.finish()
    assert measure(output, 0, 10).median_ms == pytest.approx(40, abs=1)


def test_a_video_without_flashes_is_not_judged(tmp_path: Path) -> None:
    clip = probe_video(make_video(tmp_path / "clip.mp4", Clip(count=25)))
    audio = make_sound(tmp_path / "speech.wav", tone(1.0, 16000), 16000, "pcm_s16le")
    output = tmp_path / "out.mp4"
    with VideoWriter(output, clip, audio) as writer:
        for frame in play(clip, 25):
            writer.write(frame.planes)
        writer.finish()
    with pytest.raises(MediaError, match="does not flash"):
        measure(output, 0, 1)
