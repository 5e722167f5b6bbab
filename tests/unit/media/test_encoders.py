"""The encoder of the output: what it makes, where it falls back and what it refuses."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast, get_args

import av
import numpy as np
import pytest
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from client.errors import InputError, MediaError
from orchestrator.media import encoders
from orchestrator.media.encoder_options import PRESETS
from orchestrator.media.encoders import Codec, Encoder, Encoding, choose_encoder, usual_codec
from orchestrator.media.frames import read_frames
from orchestrator.media.info import ColourTags, VideoInfo, probe_video
from orchestrator.media.pixels import PixelFormat, Plane, Planes
from orchestrator.media.writer import VideoWriter
from tests.unit.media.making import Clip, make_sound, make_video, same, tone

CODECS = get_args(Codec)
FORMATS = [PixelFormat.of(bits, step) for bits in (8, 10) for step in ((2, 2), (2, 1), (1, 1))]


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sound(
        tmp_path_factory.mktemp("sound") / "speech.wav", tone(1.0, 8000), 8000, "pcm_s16le"
    )


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    return probe_video(make_video(tmp_path_factory.mktemp("clip") / "clip.mp4"))


def pictures(info: VideoInfo, count: int) -> Iterator[Planes]:
    """Moving waves under a little noise."""
    noise = np.random.default_rng(0)
    form = info.pixel_format
    for number in range(count):
        y, u, v = (
            _wave(shape, number, form) + noise.integers(0, 1 << (form.bits - 6), shape, form.dtype)
            for shape in form.shapes(info.width, info.height)
        )
        yield y, u, v


def _wave(shape: tuple[int, int], number: int, form: PixelFormat) -> Plane:
    rows, columns = np.indices(shape)
    wave = 100 + 60 * np.sin((columns + 2 * number) / 9) * np.cos(rows / 7)
    return wave.astype(np.uint8) if form.bits == 8 else wave.astype(np.uint16)


def encode(
    output: Path, info: VideoInfo, wav: Path, encoding: Encoding, count: int = 5, threads: int = 2
) -> Encoder:
    encoder = choose_encoder(info, encoding, threads)
    with VideoWriter(output, info, wav, encoder) as writer:
        for planes in pictures(info, count):
            writer.write(planes)
        writer.finish()
    return encoder


def video(path: Path) -> VideoStream:
    with av.open(str(path)) as container:
        next(container.decode(video=0))  # colour is known from the first picture on
        return container.streams.video[0]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_the_highest_quality_loses_nothing(
    tmp_path: Path, info: VideoInfo, wav: Path, codec: Codec, form: PixelFormat, preset: str
) -> None:
    given = replace(info, pixel_format=form)
    encode(tmp_path / "out.mp4", given, wav, Encoding(codec, 0, preset))
    made = probe_video(tmp_path / "out.mp4")
    assert made.pixel_format == form
    for frame, planes in zip(read_frames(made), pictures(given, 5), strict=True):
        assert same(frame.planes, planes)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "rate", [Fraction(24000, 1001), Fraction(240), Fraction(60000, 1001), Fraction(15)]
)
def test_every_picture_is_there_on_time(
    tmp_path: Path, info: VideoInfo, wav: Path, codec: Codec, rate: Fraction
) -> None:
    given = replace(info, frame_rate=rate)
    encode(tmp_path / "out.mp4", given, wav, Encoding(codec, preset="veryfast"), 70)
    with av.open(str(tmp_path / "out.mp4")) as container:
        ticks = [frame.pts for frame in container.decode(video=0)]
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.duration * stream.time_base == 70 / rate
        assert ticks == [number / rate / stream.time_base for number in range(70)]
    assert probe_video(tmp_path / "out.mp4").frame_rate == rate


@pytest.mark.parametrize("codec", CODECS)
def test_playing_can_start_every_five_seconds(
    tmp_path: Path, info: VideoInfo, wav: Path, codec: Codec
) -> None:
    given = replace(info, frame_rate=Fraction(12))
    encode(tmp_path / "out.mp4", given, wav, Encoding(codec, preset="ultrafast"), 130)
    keys = probe_video(tmp_path / "out.mp4").timeline
    assert keys is not None
    assert [int(time * keys.time_base) for time in keys.keys] == [0, 5, 10]


@pytest.mark.parametrize("codec", CODECS)
def test_colour_and_the_shape_of_pixels_are_told(
    tmp_path: Path, info: VideoInfo, wav: Path, codec: Codec
) -> None:
    given = replace(
        info,
        pixel_format=PixelFormat.of(10, (2, 2)),
        tags=ColourTags(9, 16, 9),
        sample_aspect=Fraction(4, 3),
        full_range=True,
        matrix="bt2020",
    )
    encode(tmp_path / "out.mp4", given, wav, Encoding(codec))
    made = probe_video(tmp_path / "out.mp4")
    assert made.tags == given.tags
    assert made.full_range
    assert made.sample_aspect == Fraction(4, 3)


@pytest.mark.parametrize(
    ("codec", "name", "tag"),
    [("h264", "h264", "avc1"), ("hevc", "hevc", "hvc1"), ("av1", "libdav1d", "av01")],
)
def test_each_codec_has_the_name_that_players_know(
    tmp_path: Path, info: VideoInfo, wav: Path, codec: Codec, name: str, tag: str
) -> None:
    encode(tmp_path / "out.mp4", info, wav, Encoding(codec))
    context = video(tmp_path / "out.mp4").codec_context
    assert (context.name, context.codec_tag) == (name, tag)


@pytest.mark.parametrize(
    ("codec", "form", "name"),
    [
        ("h264", PixelFormat.of(8, (2, 2)), "libx264"),
        ("hevc", PixelFormat.of(10, (2, 1)), "libx265"),
        ("av1", PixelFormat.of(8, (2, 2)), "libsvtav1"),
        ("av1", PixelFormat.of(10, (2, 2)), "libsvtav1"),
        ("av1", PixelFormat.of(10, (2, 1)), "libaom-av1"),
        ("av1", PixelFormat.of(8, (1, 1)), "libaom-av1"),
    ],
)
def test_the_software_encoder_is_one_that_takes_the_format(
    info: VideoInfo, codec: Codec, form: PixelFormat, name: str
) -> None:
    chosen = choose_encoder(replace(info, pixel_format=form), Encoding(codec), 1)
    assert chosen.name == name


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("width", "height"), [(16, 16), (65, 49), (17, 201)])
def test_small_and_odd_sizes_are_encoded(
    tmp_path: Path, info: VideoInfo, wav: Path, codec: Codec, width: int, height: int
) -> None:
    given = replace(info, pixel_format=PixelFormat.of(8, (1, 1)), width=width, height=height)
    encode(tmp_path / "out.mp4", given, wav, Encoding(codec, preset="ultrafast"), 3)
    made = probe_video(tmp_path / "out.mp4")
    assert (made.width, made.height, made.frame_count) == (width, height, 3)


@pytest.mark.parametrize("codec", CODECS)
def test_a_lower_crf_is_closer_to_the_source(
    tmp_path: Path, info: VideoInfo, wav: Path, codec: Codec
) -> None:
    sizes = []
    for crf in (4, 24, 44):
        encode(tmp_path / "out.mp4", info, wav, Encoding(codec, crf))
        sizes.append((tmp_path / "out.mp4").stat().st_size)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 1.5 * sizes[2]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("form", FORMATS[:2], ids=lambda form: form.name)
def test_every_encoder_knows_every_preset(
    info: VideoInfo, codec: Codec, preset: str, form: PixelFormat
) -> None:
    given = replace(info, pixel_format=form)
    usual = choose_encoder(given, Encoding(codec), 1)
    assert choose_encoder(given, Encoding(codec, preset=preset), 1).name == usual.name


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_gpu_that_cannot_encode_gives_way_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, info: VideoInfo, codec: Codec, form: PixelFormat
) -> None:
    opens = encoders._opens
    monkeypatch.setattr(
        encoders,
        "_opens",
        lambda encoder, *others: "nvenc" not in encoder.name and opens(encoder, *others),
    )
    chosen = choose_encoder(
        replace(info, pixel_format=form), Encoding(codec, encoder=f"{codec}_nvenc"), 1
    )
    assert "nvenc" not in chosen.name
    assert chosen.notices[0] == (
        f"{codec}_nvenc cannot encode 96x64 {form.name} on this machine: {chosen.name} is used"
        " instead."
    )


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("crf", [0, 18, 51])
@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_gpu_may_be_missing_but_its_options_are_right(
    monkeypatch: pytest.MonkeyPatch, info: VideoInfo, codec: Codec, crf: int, form: PixelFormat
) -> None:
    tried, refusals = list[str](), list[Exception]()
    given = replace(info, pixel_format=form)

    def opens(encoder: Encoder, *others: object) -> bool:
        tried.append(encoder.name)
        context = cast("VideoCodecContext", av.CodecContext.create(encoder.name, "w"))
        context.options = dict(encoder.options)
        encoder.configure(context, given)
        try:
            context.open()
        except FFmpegError as error:
            refusals.append(error)
        return True

    monkeypatch.setattr(encoders, "_opens", opens)
    for preset in PRESETS:
        choose_encoder(given, Encoding(codec, crf, preset, "nvenc"), 1)
    assert tried == [f"{codec}_nvenc"] * len(PRESETS)
    # A wrong value is one of these; no driver or device is another.
    assert not [error for error in refusals if isinstance(error, ValueError | OverflowError)]


def test_an_encoder_is_really_tried_before_the_first_picture(
    tmp_path: Path, info: VideoInfo, wav: Path
) -> None:
    encoder = encode(tmp_path / "out.mp4", info, wav, Encoding(encoder="nvenc"))
    works = encoder.name == "h264_nvenc"  # here or there: the result is the same
    assert len(encoder.notices) == (0 if works else 1)
    assert probe_video(tmp_path / "out.mp4").frame_count == 5


@pytest.mark.parametrize(
    ("codec", "form", "told"),
    [
        ("h264", PixelFormat.of(8, (2, 2)), False),
        ("h264", PixelFormat.of(10, (2, 2)), True),
        ("h264", PixelFormat.of(8, (1, 1)), True),
        ("hevc", PixelFormat.of(10, (2, 2)), False),
        ("hevc", PixelFormat.of(10, (2, 1)), True),
        ("av1", PixelFormat.of(10, (2, 2)), False),
    ],
)
def test_a_format_that_few_players_show_is_told(
    info: VideoInfo, codec: Codec, form: PixelFormat, told: bool
) -> None:
    notices = choose_encoder(replace(info, pixel_format=form), Encoding(codec), 1).notices
    assert [f"Few players show {codec} in {form.name}" in notice for notice in notices] == (
        [True] if told else []
    )


def test_interlaced_pictures_stay_interlaced_and_untouched(tmp_path: Path, wav: Path) -> None:
    clip = Clip(count=5, height=96, options={"x264-params": "tff=1"})
    given = probe_video(make_video(tmp_path / "clip.mp4", clip))
    assert given.first_field == "top"
    encoder = encode(tmp_path / "out.mp4", given, wav, Encoding(crf=0))
    assert encoder.notices == ()
    made = probe_video(tmp_path / "out.mp4")
    assert made.first_field == "top"
    for frame, planes in zip(read_frames(made), pictures(given, 5), strict=True):
        assert same(frame.planes, planes)


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_a_codec_that_cannot_tell_of_fields_is_warned_of(info: VideoInfo, codec: Codec) -> None:
    (notice,) = choose_encoder(replace(info, first_field="top"), Encoding(codec), 1).notices
    assert "clip.mp4 is interlaced" in notice


def test_the_usual_encoder_has_nothing_to_say(tmp_path: Path, info: VideoInfo, wav: Path) -> None:
    encoder = encode(tmp_path / "out.mp4", info, wav, Encoding())
    assert (encoder.name, encoder.notices) == ("libx264", ())


@pytest.mark.parametrize("name", ["libx265", "h265", "mpeg4", "nonsense"])
def test_an_encoder_of_no_or_another_codec_is_refused(info: VideoInfo, name: str) -> None:
    with pytest.raises(InputError, match=rf"no encoder '{name}' for h264: choose auto, nvenc, lib"):
        choose_encoder(info, Encoding(encoder=name), 1)


@pytest.mark.parametrize(("codec", "crf"), [("h264", 52), ("hevc", -1), ("av1", 64)])
def test_a_quality_out_of_range_is_refused(info: VideoInfo, codec: Codec, crf: int) -> None:
    with pytest.raises(InputError, match=rf"crf {crf} is out of range: {codec} takes 0"):
        choose_encoder(info, Encoding(codec, crf), 1)


def test_an_unknown_preset_is_refused(info: VideoInfo) -> None:
    with pytest.raises(InputError, match="no preset 'hurry': choose one of ultrafast"):
        choose_encoder(info, Encoding(preset="hurry"), 1)


def test_pictures_that_no_encoder_takes_are_told(info: VideoInfo) -> None:
    given = replace(info, width=20000, height=20000)
    with pytest.raises(MediaError, match="cannot be encoded as h264 at 20000x20000"):
        choose_encoder(given, Encoding(), 1)


@pytest.mark.parametrize("codec", CODECS)
def test_encoders_print_nothing(
    tmp_path: Path, info: VideoInfo, wav: Path, codec: Codec, capfd: pytest.CaptureFixture[str]
) -> None:
    for form in FORMATS:
        given = replace(info, pixel_format=form)
        encode(tmp_path / "out.mp4", given, wav, Encoding(codec, preset="ultrafast"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("bits", "chroma_step", "codec"),
    [
        (8, (2, 2), "h264"),
        (10, (2, 2), "hevc"),
        (8, (2, 1), "h264"),
        (10, (2, 1), "h264"),
        (10, (1, 1), "h264"),
    ],
)
def test_the_usual_codec_is_what_players_show(
    bits: int, chroma_step: tuple[int, int], codec: str
) -> None:
    assert usual_codec(PixelFormat.of(bits, chroma_step)) == codec


@pytest.mark.parametrize(
    ("encoder", "codec"), [("nvenc", "h264"), ("av1_nvenc", "av1"), ("libx265", "hevc")]
)
def test_a_named_encoder_says_which_codec_it_is(encoder: str, codec: str) -> None:
    assert usual_codec(PixelFormat.of(8, (2, 2)), encoder) == codec
