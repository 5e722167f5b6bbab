"""Any recording as 16 kHz mono samples."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.media.info import probe_audio
from orchestrator.media.speech import read_speech
from tests.unit.media.making import Clip, make_sound, make_video, tone


def whole(path: Path, sample_rate: int = 16000) -> NDArray[np.float32]:
    return np.concatenate(list(read_speech(path, sample_rate)))


def delay(heard: NDArray[np.float32], said: NDArray[np.float32], most: int = 400) -> int:
    """By how many samples the heard sound lags the said one, where they agree best."""
    inner = said[most:-most]
    agreements = np.correlate(heard[: len(said)], inner, "valid")
    return int(np.argmax(agreements)) - most


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [
        ("speech.wav", "pcm_s16le", 8000, 1),
        ("speech.wav", "pcm_s16le", 44100, 2),
        ("speech.wav", "pcm_s24le", 48000, 1),
        ("speech.wav", "pcm_f32le", 16000, 1),
        ("speech.flac", "flac", 48000, 2),
        ("speech.mp3", "libmp3lame", 44100, 2),
        ("speech.m4a", "aac", 44100, 1),
        ("speech.ogg", "libopus", 48000, 1),
    ],
)
def test_every_format_gives_the_same_samples_at_the_same_time(
    tmp_path: Path, name: str, codec: str, rate: int, channels: int
) -> None:
    heard = whole(make_sound(tmp_path / name, tone(2.0, rate, channels), rate, codec))
    said = tone(2.0, 16000)[0]
    assert heard.dtype == np.float32
    assert len(heard) == pytest.approx(len(said), abs=16 * 30)  # lossy codecs pad their last frame
    assert delay(heard, said) == 0
    inner = np.s_[800:-800]
    assert np.corrcoef(heard[: len(said)][inner], said[inner])[0, 1] > 0.99


def test_uncompressed_sound_keeps_its_exact_length(tmp_path: Path) -> None:
    samples = tone(1.2345, 16000)
    path = make_sound(tmp_path / "speech.wav", samples, 16000, "pcm_s16le")
    assert len(whole(path)) == samples.shape[1]


@pytest.mark.parametrize("streamed", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_a_wav_that_was_streamed_does_not_know_its_length(tmp_path: Path, streamed: int) -> None:
    path = make_sound(tmp_path / "speech.wav", tone(1.0, 16000), 16000, "pcm_s16le")
    data = bytearray(path.read_bytes())
    size = data.index(b"data") + 4
    data[4:8] = data[size : size + 4] = streamed.to_bytes(4, "little")
    path.write_bytes(data)
    assert probe_audio(path).duration_s == 1
    assert len(whole(path)) == 16000


def test_blocks_have_the_wanted_length_and_the_last_the_rest(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "speech.wav", tone(1.0, 16000), 16000, "pcm_s16le")
    assert [len(block) for block in read_speech(path, block=6000)] == [6000, 6000, 4000]


def test_channels_are_averaged(tmp_path: Path) -> None:
    left = tone(0.5, 16000)[0]
    path = tmp_path / "speech.wav"
    make_sound(path, np.stack([left, np.zeros_like(left)]), 16000, "pcm_f32le")
    np.testing.assert_allclose(whole(path), left / 2, atol=1e-6)


def test_samples_stay_within_one(tmp_path: Path) -> None:
    square = np.sign(tone(0.5, 44100)).astype(np.float32)
    heard = whole(make_sound(tmp_path / "speech.wav", square, 44100, "pcm_f32le"))
    assert np.abs(heard).max() == 1.0


def test_the_sound_of_a_video_is_read(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", Clip(count=50), sound=(44100, 2))
    assert delay(whole(path), tone(2.0, 16000)[0]) == 0
