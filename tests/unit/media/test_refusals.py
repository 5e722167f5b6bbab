"""What cannot be used is refused at once, with one sentence that names the file."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from client.errors import InputError, LipSyncError, MediaError
from orchestrator.media.frames import read_frames
from orchestrator.media.info import VideoInfo, probe_audio, probe_video
from orchestrator.media.speech import read_speech
from tests.unit.media.making import Clip, make_sound, make_video, tone

PROBES: list[Callable[[Path], object]] = [probe_video, probe_audio]
NOISE = {"crf": "1"}


def one_sentence(error: LipSyncError, path: Path) -> bool:
    text = str(error)
    return text.startswith(str(path)) and text.endswith(".") and "\n" not in text


@pytest.mark.parametrize("probe", PROBES)
def test_a_missing_file(tmp_path: Path, probe: Callable[[Path], object]) -> None:
    path = tmp_path / "none.mp4"
    with pytest.raises(InputError, match="cannot be found") as caught:
        probe(path)
    assert one_sentence(caught.value, path)


@pytest.mark.parametrize("probe", PROBES)
def test_a_folder(tmp_path: Path, probe: Callable[[Path], object]) -> None:
    with pytest.raises(InputError, match="is a folder") as caught:
        probe(tmp_path)
    assert one_sentence(caught.value, tmp_path)


@pytest.mark.parametrize("probe", PROBES)
def test_an_empty_file(tmp_path: Path, probe: Callable[[Path], object]) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(InputError, match="is empty") as caught:
        probe(path)
    assert one_sentence(caught.value, path)


@pytest.mark.parametrize("probe", PROBES)
def test_something_that_is_no_file(tmp_path: Path, probe: Callable[[Path], object]) -> None:
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)  # opening it would wait for ever
    with pytest.raises(InputError, match="not a regular file"):
        probe(path)


@pytest.mark.parametrize("probe", PROBES)
def test_a_text_that_was_renamed(tmp_path: Path, probe: Callable[[Path], object]) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("dear diary\n" * 100)
    with pytest.raises(MediaError, match="not a media file") as caught:
        probe(path)
    assert one_sentence(caught.value, path)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile clip.ts\n",
    ],
)
def test_a_playlist_must_not_reach_other_files(tmp_path: Path, text: str) -> None:
    make_video(tmp_path / "clip.ts")
    path = tmp_path / "list.m3u8"
    path.write_text(text)
    with pytest.raises(MediaError, match="cannot be opened"):
        probe_video(path)


def test_a_recording_where_a_video_is_wanted(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "speech.wav", tone(1.0, 16000), 16000, "pcm_s16le")
    with pytest.raises(MediaError, match="has no video in it") as caught:
        probe_video(path)
    assert one_sentence(caught.value, path)


def test_a_silent_video_where_a_recording_is_wanted(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4")
    with pytest.raises(MediaError, match="has no sound in it") as caught:
        probe_audio(path)
    assert one_sentence(caught.value, path)
    with pytest.raises(MediaError, match="has no sound in it"):
        next(read_speech(path))


def test_a_recording_of_no_length(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "speech.wav", np.zeros((1, 1), np.float32), 16000, "pcm_s16le")
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(InputError, match="has sound of no length") as caught:
        probe_audio(path)
    assert one_sentence(caught.value, path)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".flv", ".avi"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_video_cut_short_is_refused_before_any_work(
    tmp_path: Path, suffix: str, kept: float
) -> None:
    path = make_video(tmp_path / f"clip{suffix}", Clip(count=250, options=NOISE))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(MediaError, match="cut short") as caught:
        probe_video(path)
    assert one_sentence(caught.value, path)


@pytest.fixture
def indexed_in_front(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    clip = Clip(count=250, options=NOISE, container_options={"movflags": "+faststart"})
    make_video(path, clip)
    assert path.read_bytes().index(b"moov") < 100
    return path


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_download_that_stopped_is_refused_before_any_work(
    indexed_in_front: Path, kept: float
) -> None:
    data = indexed_in_front.read_bytes()
    indexed_in_front.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(MediaError, match="is damaged or cut short"):
        probe_video(indexed_in_front)


def test_a_download_that_lacks_only_its_last_bytes(indexed_in_front: Path) -> None:
    indexed_in_front.write_bytes(indexed_in_front.read_bytes()[:-50])
    with pytest.raises(MediaError, match="is damaged or cut short"):
        probe_video(indexed_in_front)


def test_a_video_damaged_in_the_middle_ends_with_an_error(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", Clip(count=100, options=NOISE))
    info: VideoInfo = probe_video(path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(5).bytes(3000)
    path.write_bytes(data)
    with pytest.raises(MediaError, match="damaged") as caught:
        list(read_frames(info))
    assert one_sentence(caught.value, path)


def test_a_part_of_a_picture_that_the_decoder_has_to_guess_is_an_error(tmp_path: Path) -> None:
    options = {"x264-params": "slices=4:keyint=1:qp=2"}
    path = make_video(tmp_path / "clip.mp4", Clip(count=30, options=options))
    info = probe_video(path)
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(0)
    for place in range(len(data) // 4, len(data) // 2, 1500):
        data[place : place + 40] = noise.bytes(40)
    path.write_bytes(data)
    with pytest.raises(MediaError, match="damaged"):
        list(read_frames(info))


@pytest.mark.parametrize(("name", "codec"), [("speech.flac", "flac"), ("speech.m4a", "aac")])
def test_a_recording_cut_short(tmp_path: Path, name: str, codec: str) -> None:
    path = tmp_path / name
    options = {"movflags": "+faststart"} if codec == "aac" else {}
    make_sound(path, tone(3.0, 16000), 16000, codec, options)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(MediaError, match="is damaged or cut short") as caught:
        list(read_speech(path))
    assert one_sentence(caught.value, path)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("speech.wav", "pcm_s16le"),
        ("speech.aiff", "pcm_s16be"),
        ("speech.flac", "flac"),
        ("speech.tta", "tta"),
        ("speech.m4a", "aac"),
        ("speech.mka", "aac"),
        ("speech.webm", "libopus"),
        ("speech.mp3", "libmp3lame"),
        ("speech.flv", "aac"),
    ],
)
def test_a_recording_that_holds_less_than_it_promises_is_refused_before_any_work(
    tmp_path: Path, name: str, codec: str
) -> None:
    options = {"movflags": "+faststart"} if name.endswith("m4a") else {}
    path = make_sound(tmp_path / name, tone(3.0, 48000), 48000, codec, options)
    assert probe_audio(path).duration_s == pytest.approx(3.0, abs=0.1)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(
        MediaError, match=r"promises 3\.0 s of sound and holds [12]\.\d s"
    ) as caught:
        probe_audio(path)
    assert one_sentence(caught.value, path)


def test_a_wav_without_its_last_word_is_refused_whatever_stands_before_its_sound(
    tmp_path: Path,
) -> None:
    path = make_sound(tmp_path / "speech.wav", tone(3.0, 16000), 16000, "pcm_s16le")
    data = path.read_bytes()
    path.write_bytes(data[:12] + b"note\x03\0\0\0abc\0" + data[12:])
    probe_audio(path)
    path.write_bytes(path.read_bytes()[:-6400])
    with pytest.raises(MediaError, match=r"promises 3\.0 s of sound and holds 2\.8 s: copy it"):
        probe_audio(path)


def test_a_file_that_is_gone_by_the_time_it_is_read(tmp_path: Path) -> None:
    info = probe_video(make_video(tmp_path / "clip.mp4"))
    info.path.unlink()
    with pytest.raises(InputError, match="cannot be found"):
        next(read_frames(info))


def test_a_picture_of_a_few_pixels(tmp_path: Path) -> None:
    clip = Clip(count=1, width=96, height=8, codec="ffv1")
    with pytest.raises(MediaError, match="too small"):
        probe_video(make_video(tmp_path / "clip.mkv", clip))


def test_the_cover_picture_of_a_recording_is_no_video(tmp_path: Path) -> None:
    path = make_sound(tmp_path / "song.mp3", tone(1.0, 44100), 44100, "libmp3lame")
    path.write_bytes(_id3_with_cover() + path.read_bytes())
    with pytest.raises(MediaError, match="has no video in it"):
        probe_video(path)


def _id3_with_cover() -> bytes:
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c4944415408d763f8ffff3f0005fe02fedccc59e70000000049454e44ae426082"
    )
    body = b"\0image/png\0\x03\0" + png
    frame = b"APIC" + len(body).to_bytes(4) + b"\0\0" + body
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frame
