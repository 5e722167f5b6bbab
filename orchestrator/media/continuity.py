"""Sound on one clock, without gaps: what is heard and what is written stay in step."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from orchestrator.media.timeline import JUMP_S

# Containers round times to a millisecond, AVI to a packet; more is a hole or an overlap.
_TOLERANCE_S = Fraction(1, 20)


def continuous(frames: Iterable[AudioFrame], *, clock_may_jump: bool) -> Iterator[AudioFrame]:
    """Puts decoded sound on a clock that starts at 0 with the first heard sample.

    Holes become silence and what overlaps is left out, so that a sample divided by the rate is its
    time in the file, to 50 ms, whatever came before.

    Args:
        frames: Of one format; those without a timestamp follow the one before.
        clock_may_jump: Whether a leap backwards, or of more than 10 s, is a clock that began anew.

    Yields:
        Frames that follow each other; the timestamp of each is the number of its first sample.
    """
    clock = _Clock(clock_may_jump)
    for frame in frames:
        late = clock.lateness(frame)
        while late > 0:
            gap = _silence(frame, min(late, frame.sample_rate))
            late -= gap.samples
            yield clock.stamp(gap)
        if -late < frame.samples:
            yield clock.stamp(part(frame, -late, frame.samples) if late else frame)


def part(frame: AudioFrame, start: int, stop: int) -> AudioFrame:
    """Some samples of a frame as another frame."""
    step = 1 if frame.format.is_planar else len(frame.layout.channels)
    return _like(frame, frame.to_ndarray()[:, start * step : stop * step])


def _silence(frame: AudioFrame, samples: int) -> AudioFrame:
    values = frame.to_ndarray()
    rows, columns = values.shape
    middle = 128 if values.dtype == np.uint8 else 0
    shape = rows, columns // frame.samples * samples
    return _like(frame, np.full(shape, middle, values.dtype))


def _like(frame: AudioFrame, values: NDArray[Any]) -> AudioFrame:
    values = np.ascontiguousarray(values)
    made = AudioFrame.from_ndarray(values, frame.format.name, frame.layout.name)
    made.sample_rate = frame.sample_rate
    return made


class _Clock:
    """Counts samples and compares them with timestamps."""

    def __init__(self, may_jump: bool) -> None:
        self._may_jump = may_jump
        self._samples = 0
        self._origin_s: Fraction | None = None

    def lateness(self, frame: AudioFrame) -> int:
        """Samples between what was stamped and a frame; negative where they overlap."""
        if frame.pts is None or frame.time_base is None:
            return 0
        time_s, written_s = frame.pts * frame.time_base, Fraction(self._samples, frame.sample_rate)
        if self._origin_s is None:
            self._origin_s = time_s - written_s
        late_s = time_s - self._origin_s - written_s
        if self._may_jump and not -2 * _TOLERANCE_S <= late_s <= JUMP_S:
            self._origin_s, late_s = time_s - written_s, Fraction(0)
        return round(late_s * frame.sample_rate) if abs(late_s) > _TOLERANCE_S else 0

    def stamp(self, frame: AudioFrame) -> AudioFrame:
        """Gives a frame its place behind the one before."""
        frame.pts, frame.time_base = self._samples, Fraction(1, frame.sample_rate)
        self._samples += frame.samples
        return frame
