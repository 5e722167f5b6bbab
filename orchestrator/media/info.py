"""What must be known of a video, a photo or a recording before work starts."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from client.errors import InputError, MediaError
from orchestrator.media.chroma import Siting
from orchestrator.media.completeness import check_complete
from orchestrator.media.hdr import Hdr, hdr_of
from orchestrator.media.heif import is_heif, read_heif
from orchestrator.media.jpeg import is_whole
from orchestrator.media.metadata import Metadata, container_metadata, stream_metadata
from orchestrator.media.opening import (
    audio_stream,
    damaged,
    decoding,
    open_input,
    video_stream,
)
from orchestrator.media.orientation import UPRIGHT, Orientation, orientation_of
from orchestrator.media.pictures import decode_pictures
from orchestrator.media.pixels import YUV420P, PixelFormat
from orchestrator.media.planes import Conversion
from orchestrator.media.rgb import photo_size
from orchestrator.media.tags import is_full_range, is_yuv, matrix_name
from orchestrator.media.timeline import Timeline, declared_duration, read_timeline
from orchestrator.media.unreadable import refuse_unreadable_picture

_PHOTO_RATE = Fraction(25)
_SMALLEST_SIDE = 16
_CENTRED_CODECS = ("mjpeg", "mpeg1video", "theora")


@dataclass(frozen=True)
class ColourTags:
    """ITU-T H.273 codes that the output repeats; 2 means that the source does not say."""

    primaries: int
    transfer: int
    matrix: int


_UNSPECIFIED = 2
_BT709_TAGS = ColourTags(primaries=1, transfer=1, matrix=1)
_PHOTO_TAGS = ColourTags(primaries=1, transfer=13, matrix=1)  # 13 is sRGB's transfer


@dataclass(frozen=True)
class VideoInfo:
    """A video or a photo, as its frames come out of `read_frames`.

    Attributes:
        path: The file.
        width: Upright, in whole chroma samples, in pixels.
        height: Upright, in whole chroma samples, in pixels.
        frame_rate: Constant rate of the frames.
        frame_count: Frames at that rate; 1 for a photo.
        matrix: "bt601", "bt709" or "bt2020"; guessed from the height where it is not tagged.
        full_range: Whether samples use all codes.
        pixel_format: Of the frames.
        chroma_offset: (x, y) of chroma sample (0, 0) in luma pixels. FFmpeg's Python binding does
            not tell, so this is the custom of the format.
        tags: Colour codes to repeat in the output.
        sample_aspect: Width of a pixel over its height where it is not square.
        conversion: How stored pictures become frames.
        is_photo: Whether it is a single picture.
        first_frame: Frame of the file that is frame 0 of the part that is used.
        metadata: Title, author, date, place and the like; what describes the old file is left out.
        stream_metadata: Language and name of the pictures' stream.
        hdr: What players need to know of high dynamic range.
        first_field: Of interlaced pictures, the field that is shown first; None for whole pictures.
        timeline: When the pictures of the file are shown; None for a photo.
    """

    path: Path
    width: int
    height: int
    frame_rate: Fraction
    frame_count: int
    matrix: str
    full_range: bool
    pixel_format: PixelFormat
    chroma_offset: tuple[float, float]
    tags: ColourTags
    sample_aspect: Fraction | None
    conversion: Conversion
    is_photo: bool
    first_frame: int = 0
    metadata: Metadata = field(default_factory=dict)
    stream_metadata: Metadata = field(default_factory=dict)
    hdr: Hdr = field(default_factory=Hdr)
    first_field: Literal["top", "bottom"] | None = None
    timeline: Timeline | None = field(default=None, repr=False, compare=False)

    @property
    def duration_s(self) -> Fraction:
        """Exact length at the constant rate."""
        return self.frame_count / self.frame_rate


@dataclass(frozen=True)
class AudioInfo:
    """A recording, or the sound of a video.

    Attributes:
        path: The file.
        duration_s: As the file declares it; `read_speech` gives the exact samples.
        sample_rate: In Hz.
        channels: Number of channels.
        codec: FFmpeg's name, such as "aac" or "pcm_s16le".
    """

    path: Path
    duration_s: Fraction
    sample_rate: int
    channels: int
    codec: str


def probe_video(path: Path, *, compatible: bool = False) -> VideoInfo:
    """Reads what a video or photo is; decodes its first picture and reads all packets.

    Args:
        path: The file.
        compatible: Whether its frames become 8-bit 4:2:0, which every player shows; otherwise they
            keep 10 bits and finer chroma where the source has them.

    Raises:
        InputError: If there is no such file, or nothing in it.
        MediaError: If it has no pictures, cannot be decoded or was cut short.
    """
    refuse_unreadable_picture(path)
    if is_heif(path):
        return _photo(path, read_heif(path))
    with open_input(path) as container, decoding(path):
        stream = video_stream(container, path)
        frame = next(decode_pictures(container, stream), None)
        if frame is None:
            raise MediaError(damaged(path))
        if min(frame.width, frame.height) < _SMALLEST_SIDE:
            raise MediaError(f"{path} is too small to show a face: give a larger picture.")
        if _is_picture_format(container):
            if stream.codec_context.name == "mjpeg" and not is_whole(path):
                raise MediaError(damaged(path))
            return _photo(path, frame)
        timeline = read_timeline(path)
        if container.format.name == "gif" and len(timeline.times) == 1:
            return _photo(path, frame)
        return _video(path, stream, frame, timeline, compatible=compatible)


def probe_audio(path: Path) -> AudioInfo:
    """Reads what a recording is; decodes its first samples and reads all packets.

    Raises:
        InputError: If there is no such file, or its sound has no length.
        MediaError: If it has no sound, cannot be decoded or was cut short.
    """
    with open_input(path) as container, decoding(path):
        stream = audio_stream(container, path)
        if not any(frame.samples for frame in container.decode(stream)):
            raise InputError(f"{path} has sound of no length: record it again.")
        check_complete(path)
        return AudioInfo(
            path=path,
            duration_s=declared_duration(stream) or Fraction(container.duration or 0, 1_000_000),
            sample_rate=stream.sample_rate,
            channels=stream.channels,
            codec=stream.codec_context.codec.canonical_name,
        )


def _photo(path: Path, frame: VideoFrame) -> VideoInfo:
    orientation = orientation_of(frame)
    conversion = Conversion(YUV420P, orientation, "center")
    width, height = orientation.turned(photo_size(frame.width, frame.height))
    return VideoInfo(
        path=path,
        width=width,
        height=height,
        frame_rate=_PHOTO_RATE,
        frame_count=1,
        matrix="bt709",
        full_range=False,
        pixel_format=conversion.target,
        chroma_offset=(0.5, 0.5),
        tags=_PHOTO_TAGS,
        sample_aspect=None,
        conversion=conversion,
        is_photo=True,
    )


def _video(
    path: Path, stream: VideoStream, frame: VideoFrame, timeline: Timeline, *, compatible: bool
) -> VideoInfo:
    rate = timeline.frame_rate()
    siting = _siting(stream, frame)
    conversion = Conversion.of(frame.format, orientation_of(frame), siting, compatible=compatible)
    width, height = conversion.size(frame.format, frame.width, frame.height)
    own_colour = is_yuv(frame.format)
    return VideoInfo(
        path=path,
        width=width,
        height=height,
        frame_rate=rate,
        frame_count=len(timeline.shown(rate)),
        matrix=matrix_name(frame.colorspace, height) if own_colour else "bt709",
        full_range=own_colour and is_full_range(frame),
        pixel_format=conversion.target,
        chroma_offset=conversion.grid(frame.format).offset,
        tags=_tags(stream, frame) if own_colour else _BT709_TAGS,
        sample_aspect=_sample_aspect(stream, conversion.orientation),
        conversion=conversion,
        is_photo=False,
        metadata=container_metadata(stream.container),
        stream_metadata=stream_metadata(stream),
        hdr=hdr_of(frame),
        first_field=_first_field(stream, frame, conversion.orientation),
        timeline=timeline,
    )


def _sample_aspect(stream: VideoStream, orientation: Orientation) -> Fraction | None:
    aspect = stream.sample_aspect_ratio  # the container's, otherwise the codec's, as players do
    if not aspect or aspect == 1:
        return None
    return 1 / aspect if orientation.swaps_axes else aspect


def _first_field(
    stream: VideoStream, frame: VideoFrame, orientation: Orientation
) -> Literal["top", "bottom"] | None:
    # FFmpeg's Python binding tells that there are fields, but not their order: this is the custom.
    if not frame.interlaced_frame or orientation != UPRIGHT:
        return None
    return "bottom" if stream.codec_context.name == "dvvideo" else "top"


def _tags(stream: VideoStream, frame: VideoFrame) -> ColourTags:
    context = stream.codec_context
    return ColourTags(
        primaries=_known(context.color_primaries, 12),
        transfer=_known(context.color_trc, 18),
        matrix=_known(frame.colorspace, 14),
    )


def _known(code: int, highest: int) -> int:
    """Leaves out 0 (RGB), which a grey picture may claim, 3 (reserved) and what encoders refuse."""
    return code if 1 <= code <= highest and code != 3 else _UNSPECIFIED


def _siting(stream: VideoStream, frame: VideoFrame) -> Siting:
    if stream.codec_context.name in _CENTRED_CODECS:
        return "center"
    wide = matrix_name(frame.colorspace, frame.height) == "bt2020"
    return "topleft" if wide or stream.codec_context.name == "dvvideo" else "left"


def _is_picture_format(container: InputContainer) -> bool:
    return container.format.name == "image2" or container.format.name.endswith("_pipe")
