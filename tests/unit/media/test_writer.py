"""The output file: exact time, the source's colour, the recording's sound, all or nothing."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from client.errors import MediaError, OutputError
from orchestrator.media.encoders import Encoding, choose_encoder
from orchestrator.media.frames import read_frames
from orchestrator.media.info import VideoInfo, probe_video
from orchestrator.media.pixels import Planes
from orchestrator.media.playback import play
from orchestrator.media.unfinished import Hidden
from orchestrator.media.writer import VideoWriter, check_output, frames_for
from tests.unit.media.making import Clip, make_sound, make_video, numbers, tone
from tests.unit.media.test_speech import delay, whole
from tests.unit.media.test_unfinished import need_nameless_files


@pytest.fixture
def info(tmp_path: Path) -> VideoInfo:
    return probe_video(make_video(tmp_path / "clip.mp4"))


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return make_sound(tmp_path / "speech.wav", tone(2.0, 44100), 44100, "pcm_s16le")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "готово здесь"
    folder.mkdir()
    return folder / "out é.mp4"


@pytest.fixture
def without_nameless_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.media.writer.start_file", Hidden)


def write(output: Path, info: VideoInfo, audio: Path, count: int) -> Path:
    with VideoWriter(output, info, audio) as writer:
        for frame in play(info, count):
            writer.write(frame.planes)
        writer.finish()
    return output


def streams(path: Path) -> tuple[VideoStream, AudioStream]:
    with av.open(str(path)) as container:
        next(container.decode(video=0))  # colour is known from the first picture on
        return container.streams.video[0], container.streams.audio[0]


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def length_s(path: Path, kind: str) -> Fraction:
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return Fraction(stream.duration * stream.time_base)


def black() -> Planes:
    return np.zeros((64, 96), np.uint8), np.zeros((32, 48), np.uint8), np.zeros((32, 48), np.uint8)


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001)])
def test_frames_come_back_in_order_at_the_exact_rate(
    tmp_path: Path, output: Path, wav: Path, rate: Fraction
) -> None:
    info = probe_video(make_video(tmp_path / "source.mp4", Clip(count=60, rate=rate)))
    count = frames_for(Fraction(2), rate)
    write(output, info, wav, count)
    written = probe_video(output)
    assert written.frame_rate == rate
    assert numbers(read_frames(written)) == list(range(count))
    assert abs(length_s(output, "video") - length_s(output, "audio")) <= 1 / rate


@pytest.mark.parametrize(
    ("duration_s", "rate", "count"),
    [
        (Fraction(2), Fraction(25), 50),
        (Fraction(2001, 1000), Fraction(25), 51),
        (Fraction(1, 16000), Fraction(25), 1),
        (Fraction(10), Fraction(30000, 1001), 300),
    ],
)
def test_frames_cover_the_recording(duration_s: Fraction, rate: Fraction, count: int) -> None:
    assert frames_for(duration_s, rate) == count


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [("s.m4a", "aac", 44100, 1), ("s.aac", "aac", 48000, 2), ("s.mp3", "libmp3lame", 44100, 2)],
)
def test_sound_that_players_take_is_copied_and_stays_in_time(
    tmp_path: Path, output: Path, info: VideoInfo, name: str, codec: str, rate: int, channels: int
) -> None:
    audio = make_sound(tmp_path / name, tone(2.0, rate, channels), rate, codec)
    write(output, info, audio, frames_for(Fraction(len(whole(audio)), 16000), info.frame_rate))
    for given, made in zip(packets(audio), packets(output), strict=True):
        assert given.endswith(made)  # ADTS has a header in front that MP4 has no place for
    assert delay(whole(output), whole(audio)) == 0


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels", "made_rate"),
    [
        ("s.wav", "pcm_s16le", 8000, 1, 48000),
        ("s.wav", "pcm_s16le", 16000, 1, 48000),
        ("s.wav", "pcm_s24le", 48000, 2, 48000),
        ("s.wav", "pcm_s16le", 192000, 2, 48000),
        ("s.wav", "pcm_s16le", 48000, 4, 48000),
        ("s.flac", "flac", 44100, 2, 44100),
        ("s.m4a", "alac", 44100, 1, 44100),
    ],
)
def test_other_sound_becomes_aac_of_exactly_its_length(
    tmp_path: Path,
    output: Path,
    info: VideoInfo,
    name: str,
    codec: str,
    rate: int,
    channels: int,
    made_rate: int,
) -> None:
    audio = make_sound(tmp_path / name, tone(1.99, rate, channels), rate, codec)
    write(output, info, audio, 50)
    sound = streams(output)[1]
    assert sound.codec_context.name == "aac"
    assert (sound.sample_rate, sound.channels) == (made_rate, channels)
    assert delay(whole(output), whole(audio)) == 0
    assert length_s(output, "audio") == pytest.approx(1.99, abs=0.0001)
    assert len(whole(output)) / 16000 == pytest.approx(1.99, abs=0.0001)


def test_the_sound_of_a_video_can_be_the_recording(
    tmp_path: Path, output: Path, info: VideoInfo
) -> None:
    speaker = make_video(tmp_path / "speaker.mp4", Clip(count=50), sound=(44100, 2))
    write(output, info, speaker, 50)
    assert packets(output) == packets(speaker)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("s.wav", "pcm_s16le", 16000),
        ("s.m4a", "aac", 16000),
        ("s.aac", "aac", 44100),
        ("s.mp3", "libmp3lame", 16000),
    ],
)
def test_sound_longer_than_the_pictures_ends_with_them(
    tmp_path: Path, output: Path, name: str, codec: str, rate: int
) -> None:
    clip = Clip(count=20, rate=Fraction(30000, 1001))
    info = probe_video(make_video(tmp_path / "source.mp4", clip))
    audio = make_sound(tmp_path / name, tone(2.0, rate), rate, codec)
    write(output, info, audio, 20)
    pictures_s = length_s(output, "video")
    assert pictures_s == 20 / info.frame_rate
    assert length_s(output, "audio") == pytest.approx(float(pictures_s), abs=0.001)
    assert len(whole(output)) / 16000 == pytest.approx(float(pictures_s), abs=0.001)


@pytest.mark.parametrize(
    ("tags", "color_range"), [((1, 1, 1), 1), ((9, 16, 9), 1), ((6, 6, 6), 1), ((1, 1, 1), 2)]
)
def test_colour_tags_of_the_source_are_repeated(
    tmp_path: Path, output: Path, wav: Path, tags: tuple[int, int, int], color_range: int
) -> None:
    clip = Clip(count=3, tags=tags, color_range=color_range, sample_aspect=Fraction(4, 3))
    info = probe_video(make_video(tmp_path / "source.mp4", clip))
    write(output, info, wav, 3)
    made = probe_video(output)
    assert made.tags == info.tags
    assert made.full_range == info.full_range == (color_range == 2)
    assert made.sample_aspect == Fraction(4, 3)
    context = streams(output)[0].codec_context
    assert context.pix_fmt in ("yuv420p", "yuvj420p")
    assert context.name == "h264"


def test_the_place_of_chroma_is_told_to_players(output: Path, info: VideoInfo, wav: Path) -> None:
    headers = set()
    for offset in ((0.0, 0.5), (0.5, 0.5), (0.0, 0.0), (0.5, 1.0)):
        write(output, replace(info, chroma_offset=offset), wav, 2)
        headers.add(streams(output)[0].codec_context.extradata)
    assert len(headers) == 4


def test_planes_reach_the_encoder_untouched(output: Path, info: VideoInfo, wav: Path) -> None:
    source = [frame.planes for frame in read_frames(info)]
    lossless = choose_encoder(info, Encoding(crf=0, preset="ultrafast"), threads=0)
    with VideoWriter(output, info, wav, lossless) as writer:
        for planes in source:
            writer.write(planes)
        writer.finish()
    for frame, planes in zip(read_frames(probe_video(output)), source, strict=True):
        for made, given in zip(frame.planes, planes, strict=True):
            np.testing.assert_array_equal(made, given)


def test_the_index_is_in_front_so_that_playing_starts_at_once(
    output: Path, info: VideoInfo, wav: Path
) -> None:
    data = write(output, info, wav, 5).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_sound_and_pictures_are_interleaved(output: Path, info: VideoInfo, wav: Path) -> None:
    write(output, info, wav, 50)
    with av.open(str(output)) as container:
        order = [packet.stream_index for packet in container.demux() if packet.size]
    changes = sum(a != b for a, b in pairwise(order))
    assert changes > 20


def test_nothing_but_the_finished_file_is_left(output: Path, info: VideoInfo, wav: Path) -> None:
    with VideoWriter(output, info, wav) as writer:
        for frame in play(info, 50):
            writer.write(frame.planes)
        assert not output.exists()
        assert all(path.name.startswith(".") for path in output.parent.iterdir())
        writer.finish()
    assert list(output.parent.iterdir()) == [output]


def test_a_file_that_nobody_wants_any_more_is_not_put_in_place(
    output: Path, info: VideoInfo, wav: Path
) -> None:
    output.write_bytes(b"older")
    with VideoWriter(output, info, wav) as writer:
        writer.write(black())
        writer.finish(lambda: True)
    assert output.read_bytes() == b"older"
    assert list(output.parent.iterdir()) == [output]


def interrupted(writer: VideoWriter) -> Iterator[None]:
    with writer:
        for _ in range(80):
            writer.write(black())
            yield
        writer.finish()


def test_a_failure_leaves_no_file_and_an_old_result_as_it_was(
    output: Path, info: VideoInfo, wav: Path
) -> None:
    output.write_text("an older result")
    work = interrupted(VideoWriter(output, info, wav))
    for _ in range(70):
        next(work)
    with pytest.raises(KeyboardInterrupt):
        work.throw(KeyboardInterrupt())  # type: ignore[attr-defined]
    assert list(output.parent.iterdir()) == [output]
    assert output.read_text() == "an older result"


@pytest.mark.usefixtures("without_nameless_files")
def test_a_disk_without_nameless_files_keeps_the_same_promises(
    output: Path, info: VideoInfo, wav: Path
) -> None:
    output.write_text("an older result")
    with VideoWriter(output, info, wav) as writer:
        for frame in play(info, 50):
            writer.write(frame.planes)
        assert len(list(output.parent.glob(".*.part.mp4"))) == 1
    assert list(output.parent.iterdir()) == [output]
    assert output.read_text() == "an older result"
    write(output, info, wav, 50)
    assert list(output.parent.iterdir()) == [output]
    assert probe_video(output).frame_count == 50


KILLED = """
import os, signal, sys
from pathlib import Path
from orchestrator.media.info import probe_video
from orchestrator.media.playback import play
from orchestrator.media.unfinished import Hidden
from orchestrator.media.writer import VideoWriter

output, clip, recording = map(Path, sys.argv[1:])
info = probe_video(clip)
writer = VideoWriter(output, info, recording)
for frame in play(info, 200, "loop"):
    writer.write(frame.planes)
assert os.stat(writer._file.path).st_size > 0
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_job_that_is_killed_leaves_no_file(output: Path, info: VideoInfo, wav: Path) -> None:
    need_nameless_files(output.parent)
    command = [sys.executable, "-c", KILLED, str(output), str(info.path), str(wav)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert list(output.parent.iterdir()) == []


def test_stopping_between_frames_leaves_no_file(output: Path, info: VideoInfo, wav: Path) -> None:
    work = interrupted(VideoWriter(output, info, wav))
    for _ in range(70):
        next(work)
    work.close()  # type: ignore[attr-defined]
    assert list(output.parent.iterdir()) == []


def test_a_recording_that_cannot_be_opened_leaves_no_file(
    tmp_path: Path, output: Path, info: VideoInfo
) -> None:
    with pytest.raises(MediaError, match=r"clip\.mp4 has no sound in it"):
        VideoWriter(output, info, tmp_path / "clip.mp4")
    assert list(output.parent.iterdir()) == []


def test_a_result_without_pictures_is_refused(output: Path, info: VideoInfo, wav: Path) -> None:
    with VideoWriter(output, info, wav) as writer, pytest.raises(OutputError, match="no pictures"):
        writer.finish()
    assert list(output.parent.iterdir()) == []


def test_a_folder_that_vanishes_midway_is_told(output: Path, info: VideoInfo, wav: Path) -> None:
    with VideoWriter(output, info, wav) as writer:
        output.parent.rmdir()
        with pytest.raises(OutputError, match=r"out é\.mp4 cannot be written \(No such file"):
            write_all(writer)


@pytest.mark.usefixtures("without_nameless_files")
def test_a_full_disk_is_told(info: VideoInfo, wav: Path, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    output = tmp_path / "out.mp4"
    with VideoWriter(output, info, wav) as writer:
        writer._file.path.symlink_to(full)
        with pytest.raises(OutputError, match=r"cannot be written \(No space left"):
            write_all(writer)


def test_a_file_that_may_not_grow_is_told(output: Path, info: VideoInfo, wav: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with (
            VideoWriter(output, info, wav) as writer,
            pytest.raises(OutputError, match=r"cannot be written \(File too large"),
        ):
            write_all(writer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(output.parent.iterdir()) == []


def write_all(writer: VideoWriter) -> None:
    noise = np.random.default_rng(0)
    for _ in range(100):
        y, u, v = black()
        writer.write((noise.integers(0, 256, y.shape, np.uint8), u, v))
    writer.finish()


@pytest.mark.parametrize("name", ["out.mov", "out.avi", "out"])
def test_only_mp4_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"ends in \.mp4"):
        check_output(tmp_path / name)


@pytest.mark.parametrize("stem", ["a" * 240, "口" * 80])
def test_a_name_as_long_as_the_disk_allows_is_written(
    tmp_path: Path, info: VideoInfo, wav: Path, stem: str
) -> None:
    output = tmp_path / f"{stem}.mp4"
    assert probe_video(write(output, info, wav, 3)).frame_count == 3


def test_a_name_that_is_too_long_is_told_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot be written \(File name too long\): choose"):
        check_output(tmp_path / f"{'a' * 300}.mp4")


@pytest.mark.usefixtures("without_nameless_files")
def test_what_cannot_be_removed_does_not_hide_what_went_wrong(
    output: Path, info: VideoInfo, wav: Path
) -> None:
    writer = VideoWriter(output, info, wav)
    writer._file.path.mkdir()  # not even root can unlink a folder
    with writer, pytest.raises(OutputError, match="Is a directory"):
        write_all(writer)


def test_a_link_is_written_through(
    tmp_path: Path, output: Path, info: VideoInfo, wav: Path
) -> None:
    target = tmp_path / "elsewhere.mp4"
    output.symlink_to(target)
    for count in (3, 4):  # the target does not exist at first, then it is replaced
        write(output, info, wav, count)
        assert output.is_symlink()
        assert probe_video(target).frame_count == count
    assert list(output.parent.iterdir()) == [output]


def test_a_link_into_a_missing_folder_is_told(tmp_path: Path) -> None:
    link = tmp_path / "out.mp4"
    link.symlink_to(tmp_path / "none" / "out.mp4")
    with pytest.raises(OutputError, match="none does not exist: make the folder first"):
        check_output(link)


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    link = tmp_path / "out.mp4"
    link.symlink_to(link)
    with pytest.raises(OutputError, match="Too many levels of symbolic links"):
        check_output(link)


def test_an_output_keeps_its_permissions(output: Path, info: VideoInfo, wav: Path) -> None:
    output.touch()
    output.chmod(0o640)
    write(output, info, wav, 3)
    assert output.stat().st_mode & 0o777 == 0o640


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="none does not exist: make the folder first"):
        check_output(tmp_path / "none" / "out.mp4")


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        check_output(tmp_path / "out.mp4")


def test_a_folder_that_cannot_be_written_to_is_told() -> None:
    with pytest.raises(OutputError, match="/proc cannot be written to"):  # not even by root
        check_output(Path("/proc/out.mp4"))


def test_an_input_is_never_replaced(info: VideoInfo, wav: Path) -> None:
    link = info.path.with_name("link.mp4")
    link.symlink_to(info.path)
    for output in (info.path, link):
        with pytest.raises(OutputError, match="is also an input"):
            check_output(output, info.path, wav)


def test_a_photo_becomes_a_video(info: VideoInfo, output: Path, wav: Path) -> None:
    photo = replace(info, is_photo=True, chroma_offset=(0.5, 0.5))
    write(output, photo, wav, 50)
    assert probe_video(output).frame_count == 50


def test_an_output_that_is_no_regular_file_is_left_alone(tmp_path: Path) -> None:
    pipe = tmp_path / "out.mp4"
    os.mkfifo(pipe)

    with pytest.raises(OutputError, match=r"out\.mp4 is no regular file"):
        check_output(pipe)
