"""Which encoder makes the pictures of the output, and its settings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import Literal, cast, get_args

from av import CodecContext
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange

from client.errors import InputError, MediaError
from orchestrator.media.chroma import nearest_location
from orchestrator.media.encoder_options import (
    ENCODERS,
    PRESETS,
    SOFTWARE,
    Options,
    Wanted,
    format_taken,
)
from orchestrator.media.info import VideoInfo
from orchestrator.media.pixels import PixelFormat

Codec = Literal["h264", "hevc", "av1"]
_HIGHEST_CRF = {"h264": 51, "hevc": 51, "av1": 63}
# By benchmarks.encoding on three clips of 720p to 1080p, in means of luma: 47.0, 47.1 and 47.1 dB
# PSNR, 0.992 SSIM each. At H.264's quality superfast takes 1.3 to 1.6 times the bits for 0.6 to 0.8
# of the CPU time, and faster 0.9 to 1.04 of the bits for 1.6 to 1.9 times the CPU time. HEVC's fast
# saves 2 to 9 % of the bits for 1.2 to 1.4 times the CPU time. AV1's faster reaches that quality on
# one clip of the three.
_DEFAULT_CRF = {"h264": 18, "hevc": 19, "av1": 20}
_DEFAULT_PRESET = {"h264": "veryfast", "hevc": "veryfast", "av1": "fast"}
_KEY_INTERVAL_S = 5  # a player that seeks decodes from the key frame before
_WIDELY_SHOWN = {
    "h264": ("yuv420p",),
    "hevc": ("yuv420p", "yuv420p10le"),
    "av1": ("yuv420p", "yuv420p10le"),
}


@dataclass(frozen=True)
class Encoding:
    """How the pictures of the output are encoded.

    Attributes:
        codec: What players must decode.
        crf: Constant quality; less is better and larger, 0 is lossless where the encoder can. None
            is the codec's default, which looks alike for all of them.
        preset: One of `PRESETS`, whatever the encoder calls it. None is the codec's default.
        encoder: "auto" is the codec's software encoder, "nvenc" its encoder on an NVIDIA GPU;
            otherwise FFmpeg's name of one.
    """

    codec: Codec = "h264"
    crf: int | None = None
    preset: str | None = None
    encoder: str = "auto"


@dataclass(frozen=True)
class Encoder:
    """An encoder with settings that it has been opened with.

    Attributes:
        name: FFmpeg's.
        options: For FFmpeg.
        pixel_format: FFmpeg's name of the format that it takes.
        threads: Most threads that it uses; 0 lets it choose.
        notices: What the user should know, as sentences.
    """

    name: str
    options: Options
    pixel_format: str
    threads: int
    notices: tuple[str, ...] = ()

    def configure(self, context: VideoCodecContext, info: VideoInfo) -> None:
        """Describes the pictures to a context that is not open yet."""
        context.width, context.height = info.width, info.height
        context.pix_fmt = self.pixel_format
        context.framerate = info.frame_rate
        context.time_base = 1 / info.frame_rate
        context.gop_size = round(info.frame_rate * _KEY_INTERVAL_S)
        context.thread_count = self.threads
        context.sample_aspect_ratio = info.sample_aspect or Fraction(1)
        context.color_range = ColorRange.JPEG if info.full_range else ColorRange.MPEG
        context.color_primaries = info.tags.primaries
        context.color_trc = info.tags.transfer
        context.colorspace = info.tags.matrix
        if self.name in ("libx265", "hevc_nvenc"):
            context.codec_tag = "hvc1"  # Apple's players do not show FFmpeg's "hev1"


def usual_codec(pixel_format: PixelFormat, encoder: str = "auto") -> Codec:
    """The codec for whoever has not chosen one.

    It is that of a named encoder; otherwise H.264, or HEVC where players show pictures of this
    format as HEVC alone: phones record high dynamic range that way.
    """
    named = (codec for codec in get_args(Codec) if encoder in ENCODERS[codec])
    shown = (codec for codec in ("h264", "hevc") if pixel_format.name in _WIDELY_SHOWN[codec])
    return cast("Codec", next(chain(named, shown), "h264"))


def choose_encoder(info: VideoInfo, encoding: Encoding, threads: int) -> Encoder:
    """Finds an encoder that opens here.

    Args:
        info: Size, rate and format of the pictures.
        encoding: What is wanted; a GPU's encoder gives way to the software encoder.
        threads: Most threads to use; 0 lets the encoder choose.

    Raises:
        InputError: If the encoding names no such encoder, preset or quality.
        MediaError: If no encoder takes such pictures.
    """
    _check(encoding)
    wanted = Wanted(
        _DEFAULT_CRF[encoding.codec] if encoding.crf is None else encoding.crf,
        encoding.preset or _DEFAULT_PRESET[encoding.codec],
        threads,
        info,
    )
    for name in _candidates(encoding):
        encoder = _encoder(name, encoding.codec, wanted)
        if encoder is not None and _opens(encoder, info):
            return replace(encoder, notices=tuple(_notices(name, encoding, info)))
    raise MediaError(
        f"{info.path} cannot be encoded as {encoding.codec} at {info.width}x{info.height} in"
        f" {info.pixel_format.name}: choose another codec."
    )


def _check(encoding: Encoding) -> None:
    highest = _HIGHEST_CRF[encoding.codec]
    if encoding.crf is not None and not 0 <= encoding.crf <= highest:
        raise InputError(
            f"crf {encoding.crf} is out of range: {encoding.codec} takes 0 (lossless) to {highest}."
        )
    if encoding.preset is not None and encoding.preset not in PRESETS:
        raise InputError(
            f"There is no preset {encoding.preset!r}: choose one of {', '.join(PRESETS)}."
        )
    known = ENCODERS[encoding.codec]
    if _asked(encoding) not in ("auto", *known):
        raise InputError(
            f"There is no encoder {encoding.encoder!r} for {encoding.codec}: choose auto, nvenc,"
            f" {', '.join(known)}."
        )


def _asked(encoding: Encoding) -> str:
    return f"{encoding.codec}_nvenc" if encoding.encoder == "nvenc" else encoding.encoder


def _notices(name: str, encoding: Encoding, info: VideoInfo) -> Iterator[str]:
    asked, form = _asked(encoding), info.pixel_format.name
    if asked not in ("auto", name):
        yield (
            f"{asked} cannot encode {info.width}x{info.height} {form} on this machine: {name} is"
            " used instead."
        )
    if info.first_field and name != "libx264":
        yield (
            f"{info.path} is interlaced, which {name} does not tell players, so that fast movement"
            " shows stripes: use --codec h264 or deinterlace the clip first."
        )
    if form not in _WIDELY_SHOWN[encoding.codec]:
        yield (
            f"Few players show {encoding.codec} in {form}, the clip's own format: --compatible"
            " makes a video that every player shows."
        )


def _candidates(encoding: Encoding) -> Iterator[str]:
    asked = _asked(encoding)
    if asked != "auto":
        yield asked
    yield from (name for name in SOFTWARE[encoding.codec] if name != asked)


def _encoder(name: str, codec: Codec, wanted: Wanted) -> Encoder | None:
    """None if it has no such pixel format."""
    form = wanted.info.pixel_format
    taken = format_taken(name, form.name)
    if taken is None:
        return None
    options = ENCODERS[codec][name](wanted)
    if form.chroma_step == (2, 2):  # of finer chroma only one place is allowed
        options["chroma_sample_location"] = nearest_location(wanted.info.chroma_offset)
    return Encoder(name, options, taken, wanted.threads)


def _opens(encoder: Encoder, info: VideoInfo) -> bool:
    try:
        context = cast("VideoCodecContext", CodecContext.create(encoder.name, "w"))
        context.options = dict(encoder.options)
        encoder.configure(context, info)
        context.open()
    except (FFmpegError, ValueError):  # ValueError: built into FFmpeg, but not into this one
        return False
    return True
