"""A clip under a recording of any length: played back and forth, again, held or cut."""

from collections.abc import Generator, Iterator
from itertools import chain, count, repeat
from typing import Literal

from orchestrator.media.backwards import read_backwards
from orchestrator.media.frames import Frame, FrameSource
from orchestrator.media.info import VideoInfo
from orchestrator.media.pictures import Interrupted, never

WhenLonger = Literal["bounce", "loop", "freeze", "cut"]


def play(
    info: VideoInfo,
    total: int,
    when_longer: WhenLonger = "bounce",
    *,
    first: int = 0,
    interrupted: Interrupted = never,
) -> Generator[Frame]:
    """Plays a clip for a number of frames, in bounded memory whatever its length.

    Args:
        info: From `probe_video` or `trimmed`.
        total: Number of frames wanted.
        when_longer: What follows the clip's end: "bounce" plays it backwards and forwards again
            (0 … n-1, n-2 … 0, 1 …), "loop" starts anew, "freeze" holds the last frame and "cut"
            stops, with fewer frames than wanted.
        first: How many frames are passed over before the first one that is wanted.
        interrupted: Asked between two decoded pictures, by the thread that takes the frames; they
            end when it says so.

    Yields:
        Frames that carry their index in the source, equal in pixels to those of `read_frames`, each
        in its own memory. A photo is repeated in any mode.

    Raises:
        InputError: If the file is gone.
        MediaError: If it cannot be decoded.
        OutputError: If the temporary folder has no room for a part played backwards.
    """
    with FrameSource(info, interrupted=interrupted) as source:
        yield from play_from(source, total, when_longer, first)


def play_from(
    source: FrameSource, total: int, when_longer: WhenLonger, first: int = 0
) -> Generator[Frame]:
    """As `play`, from a source that stays open."""
    mode = _mode(source.info, when_longer)
    passed_over, remaining = first, total
    for run in _runs(source.info.frame_count, mode):
        if remaining <= 0 or source.interrupted():
            return
        part = run[passed_over:][:remaining]
        passed_over = max(0, passed_over - len(run))
        remaining -= len(part)
        if part:
            yield from source.read(part) if part.step > 0 else read_backwards(source, part)
    if mode == "freeze":
        yield from _held(source, remaining)


def played(info: VideoInfo, when_longer: WhenLonger = "bounce") -> Iterator[int]:
    """The index in the clip of each frame that `play` gives, without an end unless it is "cut"."""
    mode = _mode(info, when_longer)
    held = repeat(info.frame_count - 1) if mode == "freeze" else ()
    return chain(chain.from_iterable(_runs(info.frame_count, mode)), held)


def _mode(info: VideoInfo, when_longer: WhenLonger) -> WhenLonger:
    return "freeze" if info.frame_count == 1 else when_longer


def _runs(frame_count: int, mode: WhenLonger) -> Iterator[range]:
    """Which source frames follow each other."""
    yield range(frame_count)
    if mode == "bounce":
        for turn in count():
            yield range(1, frame_count) if turn % 2 else range(frame_count - 2, -1, -1)
    if mode == "loop":
        while True:
            yield range(frame_count)


def _held(source: FrameSource, repeats: int) -> Iterator[Frame]:
    """The last frame again and again."""
    if repeats <= 0:
        return
    length = source.info.frame_count
    for frame in source.read(range(length - 1, length)):
        for _ in range(repeats):
            yield frame.copy()
