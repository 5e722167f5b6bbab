"""Any recording as 16 kHz mono samples."""

from pathlib import Path

import numpy as np
import pytest
from av import AudioLayout
from numpy.typing import NDArray

from client.errors import InputError
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


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout", "delay_ms"),
    [
        ("s.wav", "pcm_u8", 8000, "mono", 0),
        ("s.wav", "pcm_alaw", 8000, "mono", 0),
        ("s.wav", "adpcm_ima_wav", 22050, "mono", 0),
        ("s.wav", "adpcm_ms", 44100, "stereo", 0),
        ("s.wav", "pcm_s32le", 192000, "stereo", 0),
        ("s.wav", "pcm_f64le", 96000, "mono", 0),
        ("s.wav", "pcm_s16le", 48000, "7.1", 0),
        ("s.flac", "flac", 192000, "stereo", 0),
        ("s.flac", "flac", 48000, "7.1", 0),
        ("s.aiff", "pcm_s24be", 48000, "stereo", 0),
        ("s.m4a", "alac", 44100, "stereo", 0),
        ("s.m4a", "aac", 96000, "5.1", 0),
        ("s.m4a", "aac", 48000, "7.1", 0),
        ("s.ogg", "libvorbis", 44100, "stereo", 0),
        ("s.mp3", "libmp3lame", 11025, "mono", 0),
        ("s.mpg", "mp2", 44100, "stereo", 11),
        ("s.ac3", "ac3", 48000, "5.1", 6),
        ("s.mka", "eac3", 48000, "stereo", 6),
        ("s.wma", "wmav2", 44100, "stereo", -47),
        ("s.amr", "libopencore_amrnb", 8000, "mono", 5),
        ("s.3gp", "libopencore_amrnb", 8000, "mono", 0),
    ],
)
def test_every_codec_is_heard(
    tmp_path: Path, name: str, codec: str, rate: int, layout: str, delay_ms: int
) -> None:
    """The delay is that of encoders whose files do not tell it."""
    samples = tone(2.0, rate, len(AudioLayout(layout).channels))
    heard = whole(make_sound(tmp_path / name, samples, rate, codec, layout=layout))
    said = tone(2.0, 16000)[0]
    assert len(heard) == pytest.approx(len(said), abs=16 * 50)
    assert delay(heard, said, 1600) / 16 == pytest.approx(delay_ms, abs=2)


def test_the_voice_of_a_film_is_in_its_centre(tmp_path: Path) -> None:
    film = np.zeros((6, 8000), np.float32)
    film[2] = voice = tone(0.5, 16000)[0]
    film[3:] = np.random.default_rng(0).normal(0, 0.3, (3, 8000))
    path = make_sound(tmp_path / "film.wav", film, 16000, "pcm_f32le", layout="5.1")
    np.testing.assert_allclose(whole(path), voice / 2, atol=1e-6)


def test_a_recording_of_no_sample_is_refused_by_name(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "speech.wav", tone(1 / 44100, 44100), 44100, "pcm_s16le")
    with pytest.raises(InputError, match=r"speech\.wav has sound of no length"):
        whole(path)


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


def test_channels_that_cancel_each_other_are_heard(tmp_path: Path) -> None:
    sound = tone(0.5, 16000)
    path = make_sound(tmp_path / "wired.wav", np.concatenate([sound, -sound]), 16000, "pcm_f32le")

    heard = np.concatenate(list(read_speech(path)))

    np.testing.assert_allclose(np.abs(heard), np.abs(sound[0]), atol=1e-4)
