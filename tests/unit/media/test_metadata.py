"""The output says of its content what the inputs said."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from orchestrator.media.encoders import Codec, Encoding, choose_encoder
from orchestrator.media.frames import read_frames
from orchestrator.media.hdr import Hdr, MasteringDisplay
from orchestrator.media.info import VideoInfo, probe_video
from orchestrator.media.pixels import PixelFormat
from orchestrator.media.writer import VideoWriter
from tests.unit.media.making import Clip, make_sound, make_video, tone

SAID = {
    "title": "Ein Titel – 標題 🎬",
    "artist": "Someone",
    "album": "Takes",
    "date": "2024-05-06",
    "creation_time": "2024-05-06T07:08:09.000000Z",
    "comment": "second take",
    "copyright": "© someone",
    "description": "what is seen",
    "genre": "Speech",
    "location": "+48.2000+016.3667+170.000000/",
}
DISPLAY = MasteringDisplay(
    red=(Fraction(34, 50), Fraction(32, 100)),
    green=(Fraction(265, 1000), Fraction(69, 100)),
    blue=(Fraction(15, 100), Fraction(6, 100)),
    white=(Fraction(3127, 10000), Fraction(329, 1000)),
    luminance=(Fraction(1, 200), Fraction(1000)),
)


def retold(
    source: Path, target: Path, said: dict[str, str], of_stream: dict[str, str] | None = None
) -> Path:
    """Copies a file's streams with other metadata."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        made.metadata.update(said)
        copies = {stream.index: made.add_stream_from_template(stream) for stream in given.streams}
        for copy in copies.values():
            copy.metadata.update(of_stream or {})
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                made.mux(packet)
    return target


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_video(tmp_path / "clip.mp4", Clip(count=3))


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return make_sound(tmp_path / "speech.wav", tone(0.2, 8000), 8000, "pcm_s16le")


def write(
    output: Path, info: VideoInfo, audio: Path, encoding: Encoding | None = None
) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What the result says of itself and of its streams."""
    encoder = choose_encoder(info, encoding or Encoding(), threads=0)
    with VideoWriter(output, info, audio, encoder) as writer:
        for frame in read_frames(info):
            writer.write(frame.planes)
        writer.finish()
    with av.open(str(output)) as container:
        return dict(container.metadata), [dict(stream.metadata) for stream in container.streams]


def told(tmp_path: Path, clip: Path, wav: Path, said: dict[str, str]) -> dict[str, str]:
    info = probe_video(retold(clip, tmp_path / "told.mp4", said))
    return write(tmp_path / "out.mp4", info, wav)[0]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_title_author_date_and_place_are_kept(
    tmp_path: Path, clip: Path, wav: Path, suffix: str
) -> None:
    source = retold(clip, tmp_path / f"told{suffix}", SAID)
    with av.open(str(source)) as container:
        held = {key.lower() for key in container.metadata}  # QuickTime has no place for some
    said, _ = write(tmp_path / "out.mp4", probe_video(source), wav)
    expected = {key: value for key, value in SAID.items() if key in held}
    assert len(expected) >= 7
    assert expected.items() <= said.items()


def test_what_phones_call_otherwise_is_kept(tmp_path: Path, clip: Path, wav: Path) -> None:
    phone = {
        "com.apple.quicktime.location.ISO6709": "+48.2000+016.3667/",
        "com.apple.quicktime.title": "Walk",
    }
    source = retold(clip, tmp_path / "told.mkv", phone)  # MP4 made here has no place for the names
    said, _ = write(tmp_path / "out.mp4", probe_video(source), wav)
    assert said["title"] == "Walk"
    assert said["location"].startswith("+48.2000+016.3667")


def test_what_describes_the_old_file_is_not_copied(tmp_path: Path, clip: Path, wav: Path) -> None:
    said = told(tmp_path, clip, wav, {"encoder": "Old", "encoding_tool": "Old", "title": "T"})
    assert "Old" not in said.values()
    assert said["title"] == "T"


@pytest.mark.parametrize(
    ("name", "value"), [("location", "somewhere"), ("creation_time", "yesterday")]
)
def test_a_place_or_time_that_cannot_be_read_is_left_out(
    tmp_path: Path, clip: Path, wav: Path, name: str, value: str
) -> None:
    source = retold(clip, tmp_path / "told.mkv", {name: value, "title": "T"})
    said, _ = write(tmp_path / "out.mp4", probe_video(source), wav)
    assert name not in said
    assert said["title"] == "T"


def test_each_stream_keeps_its_language_and_name(tmp_path: Path, clip: Path, wav: Path) -> None:
    pictures = {"language": "jpn", "handler_name": "Camera"}
    sound = {"language": "deu", "handler_name": "Microphone"}
    source = retold(clip, tmp_path / "told.mp4", {}, pictures)
    speech = make_sound(tmp_path / "speech.m4a", tone(0.2, 44100), 44100, "aac")
    recording = retold(speech, tmp_path / "told.m4a", {"title": "not the video's"}, sound)
    said, streams = write(tmp_path / "out.mp4", probe_video(source), recording)
    assert pictures.items() <= streams[0].items()
    assert sound.items() <= streams[1].items()
    assert "title" not in said


def test_a_sound_without_a_language_takes_none_from_the_pictures(
    tmp_path: Path, clip: Path, wav: Path
) -> None:
    source = retold(clip, tmp_path / "told.mp4", {}, {"language": "jpn"})
    _, streams = write(tmp_path / "out.mp4", probe_video(source), wav)
    assert streams[1]["language"] == "und"


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_high_dynamic_range_is_told_to_players(
    tmp_path: Path, clip: Path, wav: Path, codec: Codec
) -> None:
    info = probe_video(make_video(tmp_path / "deep.mp4", Clip(count=3, pix_fmt="yuv420p10le")))
    given = replace(info, hdr=Hdr(DISPLAY, (1000, 400)))
    write(tmp_path / "out.mp4", given, wav, Encoding(codec))
    made = probe_video(tmp_path / "out.mp4").hdr
    assert made.light == (1000, 400)
    assert made.display is not None
    for name, place in vars(DISPLAY).items():
        assert vars(made.display)[name] == pytest.approx(place, abs=0.0001)


def test_ordinary_video_says_nothing_of_high_dynamic_range(clip: Path) -> None:
    assert probe_video(clip).hdr == Hdr()
    assert probe_video(clip).pixel_format == PixelFormat.of(8, (2, 2))
