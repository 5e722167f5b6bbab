"""What is heard and what is written stay in step, whatever the recording's timestamps are."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.media.continuity import continuous
from orchestrator.media.info import VideoInfo, probe_video
from orchestrator.media.playback import play
from orchestrator.media.writer import VideoWriter
from tests.unit.media.making import (
    make_sound,
    make_video,
    move_packets,
    set_edit,
    sound_frames,
    tone,
)
from tests.unit.media.test_speech import delay, whole

RATE = 48000


@pytest.fixture
def info(tmp_path: Path) -> VideoInfo:
    return probe_video(make_video(tmp_path / "clip.mp4"))


def mux(info: VideoInfo, audio: Path, count: int = 75) -> Path:
    output = info.path.with_name("out.mp4")
    with VideoWriter(output, info, audio) as writer:
        for frame in play(info, count):
            writer.write(frame.planes)
        writer.finish()
    return output


def codec_of(path: Path) -> str:
    with av.open(str(path)) as container:
        return container.streams.audio[0].codec_context.codec.canonical_name


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def is_copied(made: Path, given: Path) -> bool:
    """Whether packets are the same; ADTS has a header in front that MP4 has no place for."""
    return {packet[-16:] for packet in packets(made)} <= {packet[-16:] for packet in packets(given)}


def silent_s(sound: NDArray[np.float32]) -> tuple[float, float]:
    """Where the longest silence of a sound starts, and how long it lasts."""
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    longest = int(np.argmax(np.diff(loud)))
    return loud[longest] / 16000, (loud[longest + 1] - loud[longest]) / 16000


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("s.mka", "aac"),
        ("s.mka", "libmp3lame"),
        ("s.mka", "libopus"),
        ("s.mka", "pcm_s16le"),
        ("s.mka", "flac"),
        ("s.mp4", "aac"),
        ("s.ts", "aac"),
        ("s.flv", "aac"),
    ],
)
def test_a_hole_is_heard_and_written_as_silence(
    tmp_path: Path, info: VideoInfo, name: str, codec: str
) -> None:
    unbroken = make_sound(tmp_path / f"unbroken_{name}", tone(2.0, RATE), RATE, codec)
    half = len(packets(unbroken)) // 2
    audio = tmp_path / name
    move_packets(unbroken, audio, lambda number: Fraction(number >= half, 2))
    heard, expected = whole(audio), whole(unbroken)
    assert len(heard) - len(expected) == pytest.approx(8000, abs=32)  # rounded to milliseconds
    start_s, length_s = silent_s(heard)
    assert start_s == pytest.approx(1.0, abs=0.05)
    assert length_s == pytest.approx(0.5, abs=0.02)
    assert abs(delay(heard[24000:], expected[16000:])) <= 32
    output = mux(info, audio)
    assert codec_of(output) == "aac"
    assert not is_copied(output, audio)
    assert delay(whole(output), heard) == 0


def test_a_hole_in_eight_bit_sound_is_silent(tmp_path: Path) -> None:
    unbroken = make_sound(tmp_path / "unbroken.mkv", tone(2.0, 8000), 8000, "pcm_u8")
    audio = move_packets(unbroken, tmp_path / "s.mkv", lambda number: Fraction(number >= 15, 2))
    _, length_s = silent_s(whole(audio))
    assert length_s == pytest.approx(0.5, abs=0.02)


def test_sound_that_overlaps_is_left_out() -> None:
    samples = tone(2.0, 16000)
    frames = list(sound_frames(samples, 16000, "mono"))
    for frame in frames[16:]:
        frame.pts = (frame.pts or 0) - 3000
    made = list(continuous(frames, clock_may_jump=False))
    heard = np.concatenate([frame.to_ndarray()[0] for frame in made])
    expected = np.concatenate([samples[0, : 16 * 1024], samples[0, 16 * 1024 + 3000 :]])
    np.testing.assert_array_equal(heard, expected)
    assert [frame.pts for frame in made] == np.cumsum([0, *(f.samples for f in made[:-1])]).tolist()


@pytest.mark.parametrize("jump", [-8000, 200_000])
def test_a_clock_that_begins_anew_is_no_hole(jump: int) -> None:
    samples = tone(2.0, 16000)
    frames = list(sound_frames(samples, 16000, "mono"))
    for frame in frames[16:]:
        frame.pts = (frame.pts or 0) + jump
    made = continuous(frames, clock_may_jump=True)
    heard = np.concatenate([frame.to_ndarray()[0] for frame in made])
    np.testing.assert_array_equal(heard, samples[0])


def test_times_rounded_to_milliseconds_are_no_holes() -> None:
    samples = tone(2.0, 16000)
    frames = list(sound_frames(samples, 16000, "mono", length=333))
    for frame in frames:
        frame.pts = round((frame.pts or 0) / 16)
        frame.time_base = Fraction(1, 1000)
    made = continuous(frames, clock_may_jump=False)
    heard = np.concatenate([frame.to_ndarray()[0] for frame in made])
    np.testing.assert_array_equal(heard, samples[0])


def test_transport_streams_put_end_to_end_are_heard_one_after_the_other(tmp_path: Path) -> None:
    one = make_sound(tmp_path / "one.ts", tone(20.0, RATE), RATE, "aac")
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() * 2)
    single, heard = whole(one), whole(both)
    assert len(heard) == pytest.approx(2 * len(single), abs=1600)
    start = len(single)
    assert abs(delay(heard[start : start + 32000], single[:32000], 1600)) <= 1200


def test_mp3_files_put_end_to_end_are_heard_one_after_the_other(
    tmp_path: Path, info: VideoInfo
) -> None:
    one = make_sound(tmp_path / "one.mp3", tone(1.5, 44100), 44100, "libmp3lame")
    both = tmp_path / "both.mp3"
    both.write_bytes(one.read_bytes() * 2)
    single, heard = whole(one), whole(both)
    assert len(heard) == pytest.approx(2 * len(single), abs=1600)  # with the delay of the encoder
    assert abs(delay(heard[len(single) :], single, 1600)) < 1600
    output = mux(info, both, 80)
    assert codec_of(output) == "aac"
    assert delay(whole(output), heard) == 0


@pytest.mark.parametrize("start_s", [Fraction(1), Fraction(90_000), Fraction(-1, 100)])
@pytest.mark.parametrize(
    ("name", "codec", "copied"),
    [
        ("s.mka", "aac", True),
        ("s.mka", "libopus", False),
        ("s.mp4", "aac", True),
        ("s.ts", "aac", True),
    ],
)
def test_time_starts_with_the_first_heard_sample(
    tmp_path: Path, info: VideoInfo, name: str, codec: str, copied: bool, start_s: Fraction
) -> None:
    early = make_sound(tmp_path / f"early_{name}", tone(2.0, RATE), RATE, codec)
    audio = move_packets(early, tmp_path / name, lambda _: start_s)
    heard = whole(audio)
    output = mux(info, audio)
    assert is_copied(output, audio) == copied
    assert delay(whole(output), heard) == 0
    if start_s > 0:
        assert abs(delay(heard, whole(early))) <= 1024 / RATE * 16000 + 16


@pytest.mark.parametrize(("start", "start_s"), [(1024, 0.0), (1024 + 24_000, 0.5)])
def test_an_edit_list_says_what_of_a_recording_is_used(
    tmp_path: Path, info: VideoInfo, start: int, start_s: float
) -> None:
    audio = make_sound(tmp_path / "s.m4a", tone(2.0, RATE), RATE, "aac")
    unbroken = whole(audio)
    heard = whole(set_edit(audio, start, Fraction(1)))
    assert len(heard) == 16000
    begin = round(start_s * 16000)
    assert abs(delay(heard, unbroken[begin : begin + 16000])) <= 1
    output = mux(info, audio)
    assert is_copied(output, audio)
    assert len(whole(output)) == pytest.approx(16000, abs=16)
    assert delay(whole(output), heard) == 0


def test_packets_out_of_a_container_of_rounded_times_get_exact_ones(
    tmp_path: Path, info: VideoInfo
) -> None:
    audio = make_sound(tmp_path / "s.mka", tone(2.0, 44100), 44100, "aac")
    with av.open(str(mux(info, audio))) as container:
        times = [packet.pts for packet in container.demux(audio=0) if packet.pts is not None]
    assert np.diff(times).tolist() == [1024] * (len(times) - 1)


def test_slow_mp3_that_no_mp4_holds_becomes_aac(tmp_path: Path, info: VideoInfo) -> None:
    audio = make_sound(tmp_path / "s.mp3", tone(2.0, 8000), 8000, "libmp3lame")
    output = mux(info, audio)
    assert codec_of(output) == "aac"
    assert delay(whole(output), whole(audio)) == 0


@pytest.mark.parametrize(
    ("layout", "made"),
    [
        ("mono", 1),
        ("stereo", 2),
        ("3.0", 3),
        ("quad", 4),
        ("5.0", 5),
        ("5.1", 6),
        ("6.1", 6),
        ("7.1", 8),
    ],
)
def test_every_number_of_channels_is_written(
    tmp_path: Path, info: VideoInfo, layout: str, made: int
) -> None:
    channels = len(av.AudioLayout(layout).channels)
    samples = tone(1.0, RATE, channels)
    audio = make_sound(tmp_path / "s.mka", samples, RATE, "pcm_f32le", layout=layout)
    output = mux(info, audio, 25)
    with av.open(str(output)) as container:
        assert container.streams.audio[0].channels == made
        assert (container.streams.audio[0].bit_rate or 0) > 0.9 * 32_000 * made
    assert delay(whole(output), whole(audio)) == 0


def test_loudness_is_untouched(tmp_path: Path, info: VideoInfo) -> None:
    samples = tone(2.0, RATE, 2) * np.array([[0.05], [1.9]], np.float32)
    audio = make_sound(tmp_path / "s.wav", samples, RATE, "pcm_f32le")
    with av.open(str(mux(info, audio))) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    made = np.concatenate(frames, axis=1)[:, 4800:-4800]
    given = samples[:, 4800:-4800]
    np.testing.assert_allclose(made.std(axis=1), given.std(axis=1), rtol=0.02)
