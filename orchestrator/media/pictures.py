"""Decoded pictures of an opened video, from wherever it stands."""

from collections.abc import Callable, Iterator

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from orchestrator.media.timeline import shown_at

Interrupted = Callable[[], bool]


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
            needs them, as that saves decoding them. None is every picture.
        interrupted: Asked between two packets; pictures end when it says so.

    Yields:
        Pictures in the order in which they are shown.
    """
    started = False
    for packet in container.demux(stream):
        if interrupted():
            return
        started |= packet.is_keyframe
        if not started or not packet.size:  # an empty one would end decoding: AVI has them inside
            continue
        time = shown_at(packet)
        early = wanted_from is not None and time is not None and time < wanted_from
        stream.codec_context.skip_frame = "NONREF" if early else "DEFAULT"
        yield from stream.decode(packet)
    yield from stream.decode(None)
