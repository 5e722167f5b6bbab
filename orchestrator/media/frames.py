"""The frames of a video at a constant rate, from the start or from any place within."""

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from types import TracebackType
from typing import Self

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame

from client.errors import MediaError
from orchestrator.media.heif import is_heif, read_heif
from orchestrator.media.info import VideoInfo
from orchestrator.media.opening import damaged, decoding, open_input, video_stream
from orchestrator.media.pictures import Interrupted, decode_pictures, never
from orchestrator.media.pixels import Planes
from orchestrator.media.rgb import as_bt709
from orchestrator.media.timeline import Timeline, shown_at
from orchestrator.threads import ThreadPlan

_Timed = tuple[int, VideoFrame]
_PHOTO = Timeline(np.zeros(1, np.int64), np.zeros(1, np.int64), Fraction(1, 25), ())


@dataclass(frozen=True)
class Frame:
    """One frame; its planes belong to whoever holds it and may be painted in place.

    Attributes:
        index: Position in the part of the source that is used, at its constant rate.
        planes: Y, U and V [H,W] of the video's pixel format, C-contiguous, in their own memory.
    """

    index: int
    planes: Planes

    def copy(self) -> "Frame":
        """The same picture in other memory."""
        y, u, v = self.planes
        return Frame(self.index, (y.copy(), u.copy(), v.copy()))


def read_frames(info: VideoInfo, *, interrupted: Interrupted = never) -> Generator[Frame]:
    """Decodes the used part of a video once from start to end; a photo is one frame.

    Args:
        info: From `probe_video` or `trimmed`.
        interrupted: Asked between two decoded pictures; frames end when it says so.

    Yields:
        Frame 0, 1, … at `info.frame_rate`. Where the source keeps to that rate this is each decoded
        picture exactly once.

    Raises:
        InputError: If the file is gone.
        MediaError: If it cannot be decoded to its end.
    """
    with FrameSource(info, interrupted=interrupted) as source:
        yield from source.read(range(info.frame_count))


class FrameSource:
    """A video opened for reading runs of frames at any place.

    A run is decoded from the key frame before it, so that its pixels are the same wherever the run
    starts. Use it as a context manager, from one thread at a time.

    Attributes:
        info: What is read.
        interrupted: As given.
        decoded: Number of pictures decoded so far. On the way to a run some need not be.
    """

    def __init__(self, info: VideoInfo, *, interrupted: Interrupted = never) -> None:
        """Prepares reading; nothing is opened yet.

        Args:
            info: From `probe_video` or `trimmed`.
            interrupted: Asked between two decoded pictures; frames end when it says so.
        """
        self.info = info
        self.interrupted = interrupted
        self._timeline = info.timeline or _PHOTO
        shown = self._timeline.shown(info.frame_rate)
        self._times = shown[info.first_frame :][: info.frame_count].tolist()
        self._keys = self._timeline.keys.tolist()
        self._opened = ExitStack()
        self._container: InputContainer | None = None
        self.decoded = 0

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
        with decoding(self.info.path), closing(self._pictures(run)) as pictures:
            for index, picture in zip(run, pictures, strict=False):
                if self.interrupted():
                    return
                yield Frame(index, self._planes(picture))

    def _planes(self, picture: VideoFrame) -> Planes:
        info = self.info
        if picture.is_corrupt:
            raise MediaError(damaged(info.path))
        stored = as_bt709(picture, photo=True) if info.is_photo else picture
        planes = info.conversion.planes(stored)
        if not info.pixel_format.fits(planes, info.width, info.height):
            raise MediaError(f"{info.path} changes its size: convert it first.")
        return planes

    def _pictures(self, run: range) -> Generator[VideoFrame]:
        times = self._times[run.start : run.stop]
        if self.info.is_photo and is_heif(self.info.path):
            yield read_heif(self.info.path)
            return
        for key in self._places_to_start(times[0]):
            timed = self._decode_from(key, times[0])
            first = next(timed, None)
            if first is not None and first[0] <= times[0]:
                yield from _latest(chain([first], timed), times)
                return
        if not self.interrupted():
            raise MediaError(damaged(self.info.path))

    def _places_to_start(self, time: int) -> list[int]:
        """The key frame before a time; the one before it and the first, should a seek land late."""
        after = bisect_right(self._keys, time)
        return [*reversed(self._keys[max(0, after - 2) : after]), self._keys[0]]

    def _decode_from(self, key: int, wanted_from: int) -> Iterator[_Timed]:
        """Decodes from a key frame; pictures before the wanted time may be left out."""
        container = self._container
        if container is None or key == self._keys[0]:
            container = self._open()
        stream = video_stream(container, self.info.path)
        if key != self._keys[0]:
            container.seek(key, stream=stream)
        pictures = decode_pictures(
            container,
            stream,
            wanted_from=None if self._timeline.counted else wanted_from,
            interrupted=self.interrupted,
        )
        for number, picture in enumerate(pictures):
            self.decoded += 1
            time = self._time(number, picture)
            if not (picture.is_corrupt and time == self._timeline.unsure):
                yield time, picture

    def _time(self, number: int, picture: VideoFrame) -> int:
        if not self._timeline.counted:
            return shown_at(picture) or 0
        times = self._timeline.times
        return int(times[min(number, len(times) - 1)])

    def _open(self) -> InputContainer:
        self._opened.close()
        self._container = self._opened.enter_context(open_input(self.info.path))
        stream = video_stream(self._container, self.info.path)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = ThreadPlan.of_this_process().decoder
        return self._container


def _latest(timed: Iterator[_Timed], times: Sequence[int]) -> Iterator[VideoFrame]:
    """For each time, ascending, the last picture that has appeared by then."""
    _, shown = next(timed)
    coming = next(timed, None)
    for time in times:
        while coming is not None and coming[0] <= time:
            shown, coming = coming[1], next(timed, None)
        yield shown
