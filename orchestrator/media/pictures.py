"""Decoded pictures of an opened video, from wherever it stands."""

from collections.abc import Callable, Iterator

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from orchestrator.media.timeline import shown_at

Interrupted = Callable[[], bool]

# Their decoders leave out exactly the pictures that no other one needs; dav1d leaves out more.
_SKIPPING_CODECS = ("h264", "hevc")


def never() -> bool:
    """Says that somebody still waits for what is decoded."""
    return False


def decode_pictures(
    container: InputContainer,
    stream: VideoStream,
    *,
    wanted_from: int | None = None,
    interrupted: Interrupted = never,
) -> Iterator[VideoFrame]:
    """Decodes from the next key frame on: what comes before it cannot be decoded.

    Args:
        container: Stands where decoding is to start.
        stream: Of that container.
        wanted_from: Pictures that appear before this time are left out where no other picture
            needs them and the decoder can, as that saves time. None is every picture.
        interrupted: Asked between two packets; pictures end when it says so.

    Yields:
        Pictures in the order in which they are shown.
    """
    context, started = stream.codec_context, False
    may_skip = wanted_from is not None and context.codec.canonical_name in _SKIPPING_CODECS
    for packet in container.demux(stream):
        if interrupted():
            return
        started |= packet.is_keyframe
        if not started or not packet.size:  # an empty one would end decoding: AVI has them inside
            continue
        if may_skip:
            context.skip_frame = "NONREF" if _is_before(packet, wanted_from) else "DEFAULT"
        yield from stream.decode(packet)
    yield from stream.decode(None)


def _is_before(packet: Packet, time: int | None) -> bool:
    shown = shown_at(packet)
    return time is not None and shown is not None and shown < time
