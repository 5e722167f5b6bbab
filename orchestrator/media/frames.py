"""The frames of a video at a constant rate, from the start or from any place within."""

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from types import TracebackType
from typing import Self

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from client.errors import MediaError
from orchestrator.media.info import VideoInfo
from orchestrator.media.opening import damaged, decoding, open_input, video_stream
from orchestrator.media.pixels import Planes
from orchestrator.media.rgb import as_bt709
from orchestrator.media.timeline import read_timeline, shown_at


@dataclass(frozen=True)
class Frame:
    """One frame; its planes belong to whoever holds it and may be painted in place.

    Attributes:
        index: Position in the source at its constant rate.
        planes: Y, U and V [H,W] of the video's pixel format, C-contiguous, in their own memory.
    """

    index: int
    planes: Planes

    def copy(self) -> "Frame":
        """The same picture in other memory."""
        y, u, v = self.planes
        return Frame(self.index, (y.copy(), u.copy(), v.copy()))


def read_frames(info: VideoInfo) -> Generator[Frame]:
    """Decodes a video once from start to end; a photo is one frame.

    Args:
        info: From `probe_video`.

    Yields:
        Frame 0, 1, … at `info.frame_rate`. Where the source keeps to that rate this is each decoded
        picture exactly once.

    Raises:
        InputError: If the file is gone.
        MediaError: If it cannot be decoded to its end.
    """
    with FrameSource(info) as source:
        yield from source.read(range(source.frame_count))


class FrameSource:
    """A video opened for reading runs of frames at any place.

    A run is decoded from the key frame before it, so that its pixels are the same wherever the run
    starts. Use it as a context manager, from one thread at a time.
    """

    def __init__(self, info: VideoInfo) -> None:
        self._info = info
        self._times, self._keys = [0], [0]
        if not info.is_photo:
            timeline = read_timeline(info.path)
            self._times = timeline.shown(info.frame_rate).tolist()
            self._keys = timeline.keys.tolist()
        self._opened = ExitStack()
        self._container: InputContainer | None = None

    @property
    def frame_count(self) -> int:
        """Exact number of frames."""
        return len(self._times)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()

    def read(self, run: range) -> Iterator[Frame]:
        """Yields the frames of an ascending run, each in its own memory.

        Raises:
            InputError: If the file is gone.
            MediaError: If the frames cannot be decoded.
        """
        info = self._info
        with decoding(info.path), closing(self._pictures(run)) as pictures:
            for index, picture in zip(run, pictures, strict=True):
                if picture.is_corrupt:
                    raise MediaError(damaged(info.path))
                stored = as_bt709(picture, photo=True) if info.is_photo else picture
                planes = info.conversion.planes(stored)
                if not info.pixel_format.fits(planes, info.width, info.height):
                    raise MediaError(f"{info.path} changes its size: convert it first.")
                yield Frame(index, planes)

    def _pictures(self, run: range) -> Generator[VideoFrame]:
        times = self._times[run.start : run.stop]
        for key in self._places_to_start(times[0]):
            decoded = self._decode_from(key)
            first = next(decoded, None)
            if first is not None and _time(first) <= times[0]:
                yield from _latest(chain([first], decoded), times)
                return
        raise MediaError(damaged(self._info.path))

    def _places_to_start(self, time: int) -> list[int]:
        """The key frame before a time; the one before it and the first, should a seek land late."""
        after = bisect_right(self._keys, time)
        return [*reversed(self._keys[max(0, after - 2) : after]), self._keys[0]]

    def _decode_from(self, key: int) -> Iterator[VideoFrame]:
        container = self._container
        if container is None or key == self._keys[0]:
            container = self._open()
        stream = video_stream(container, self._info.path)
        if key != self._keys[0]:
            container.seek(key, stream=stream)
        yield from _decode(container, stream)

    def _open(self) -> InputContainer:
        self._opened.close()
        self._container = self._opened.enter_context(open_input(self._info.path))
        video_stream(self._container, self._info.path).thread_type = "AUTO"
        return self._container


def _decode(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    for packet in container.demux(stream):
        if packet.size:  # an empty one would end decoding: AVI repeats pictures that way
            yield from stream.decode(packet)
    yield from stream.decode(None)


def _latest(pictures: Iterator[VideoFrame], times: Sequence[int]) -> Iterator[VideoFrame]:
    """For each time, ascending, the last picture that has appeared by then."""
    shown = next(pictures)
    coming = next(pictures, None)
    for time in times:
        while coming is not None and _time(coming) <= time:
            shown, coming = coming, next(pictures, None)
        yield shown


def _time(frame: VideoFrame) -> int:
    return shown_at(frame) or 0
