"""A clip under a recording of any length: played back and forth, again, held or cut."""

from collections.abc import Generator, Iterator
from itertools import count
from typing import Literal

from orchestrator.media.frames import Frame, FrameSource
from orchestrator.media.info import VideoInfo

WhenLonger = Literal["bounce", "loop", "freeze", "cut"]

_LONGEST_BLOCK = 32  # frames
_SHORTEST_BLOCK = 8
_BLOCK_BYTES = 192 * 2**20


def play(info: VideoInfo, total: int, when_longer: WhenLonger = "bounce") -> Generator[Frame]:
    """Plays a clip for a number of frames, in bounded memory whatever its length.

    Args:
        info: From `probe_video`.
        total: Number of frames wanted.
        when_longer: What follows the clip's end: "bounce" plays it backwards and forwards again
            (0 … n-1, n-2 … 0, 1 …), "loop" starts anew, "freeze" holds the last frame and "cut"
            stops, with fewer frames than wanted.

    Yields:
        Frames that carry their index in the source, equal in pixels to those of `read_frames`, each
        in its own memory. A photo is repeated in any mode.

    Raises:
        InputError: If the file is gone.
        MediaError: If it cannot be decoded.
    """
    with FrameSource(info) as source:
        mode: WhenLonger = "freeze" if source.frame_count == 1 else when_longer
        remaining = total
        for run in _runs(source.frame_count, mode):
            if remaining <= 0:
                return
            part = run[:remaining]
            remaining -= len(part)
            yield from _played(source, part, _block_length(info))
        yield from _held(source, remaining if mode == "freeze" else 0)


def _runs(frame_count: int, mode: WhenLonger) -> Iterator[range]:
    """Which source frames follow each other."""
    yield range(frame_count)
    if mode == "bounce":
        for turn in count():
            yield range(1, frame_count) if turn % 2 else range(frame_count - 2, -1, -1)
    if mode == "loop":
        while True:
            yield range(frame_count)


def _played(source: FrameSource, run: range, block_length: int) -> Iterator[Frame]:
    if run.step > 0:
        yield from source.read(run)
        return
    for start in range(0, len(run), block_length):
        block = list(source.read(run[start : start + block_length][::-1]))
        while block:
            yield block.pop()


def _held(source: FrameSource, repeats: int) -> Iterator[Frame]:
    if repeats <= 0:
        return
    last = source.frame_count - 1
    (frame,) = source.read(range(last, last + 1))
    for _ in range(repeats):
        yield frame.copy()


def _block_length(info: VideoInfo) -> int:
    """Frames to hold at once when playing backwards; each block decodes from its key frame."""
    frame_bytes = info.width * info.height * 3 // 2
    return min(_LONGEST_BLOCK, max(_SHORTEST_BLOCK, _BLOCK_BYTES // frame_bytes))
