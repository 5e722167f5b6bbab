"""When the pictures of a video are shown, read from its packets without decoding."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from client.errors import MediaError
from orchestrator.media.opening import damaged, decoding, open_input, video_stream

_USUAL_RATES = (
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
)
_SLOWEST_RATE = 10  # below it a mouth cannot be followed
_RATE_FOR_SLOW = Fraction(25)
_FASTEST_RATE = 120
_ENOUGH = Fraction(98, 100)  # of the average: a declared rate below it would drop pictures
_SLACK = Fraction(1, 4)  # of a frame: a picture that comes this little late is still on time
MISSING_S = Fraction(1, 2)  # a stream that ends earlier than declared by more was cut short


@dataclass(frozen=True)
class Timeline:
    """The shown pictures of one video stream.

    Attributes:
        times: int64 [N], when each picture appears, ascending, in units of `time_base`.
        keys: int64 [K], times of the pictures at which decoding can start, ascending.
        time_base: Seconds per unit.
        declared_rates: What the container says of the frame rate, most trusted first.
    """

    times: NDArray[np.int64]
    keys: NDArray[np.int64]
    time_base: Fraction
    declared_rates: tuple[Fraction, ...]

    def frame_rate(self) -> Fraction:
        """The constant rate to show the pictures at.

        A rate that the pictures keep to, otherwise the declared or a usual one that drops few of
        them.
        """
        average = self._average_rate()
        nearest = min(_USUAL_RATES, key=lambda rate: abs(rate - average))
        known = [r for r in (*self.declared_rates, nearest) if _SLOWEST_RATE <= r <= _FASTEST_RATE]
        for rate in (*known, average):
            if rate >= _SLOWEST_RATE and self._keeps_to(rate):
                return rate
        if average < _SLOWEST_RATE:
            return _RATE_FOR_SLOW
        enough = (r for r in known if average * _ENOUGH <= r <= _USUAL_RATES[-1])
        return next(enough, average)

    def shown(self, rate: Fraction) -> NDArray[np.int64]:
        """The time of the picture that each frame of a constant rate shows, int64 [M].

        Where the pictures keep to the rate, each is shown once. Otherwise a frame shows the last
        picture that has appeared by then; the last picture is always shown.
        """
        if self._keeps_to(rate):
            return self.times
        step = 1 / (rate * self.time_base)
        count = int((self.times[-1] - self.times[0]) / step) + 1
        slack = int(step * _SLACK)
        clock = np.array([self.times[0] + int(k * step) + slack for k in range(count)])
        shown = self.times[np.searchsorted(self.times, clock, side="right") - 1]
        return shown if shown[-1] == self.times[-1] else np.append(shown, self.times[-1])

    def _keeps_to(self, rate: Fraction) -> bool:
        step = float(1 / (rate * self.time_base))
        ideal = self.times[0] + np.arange(len(self.times)) * step
        return bool(np.abs(self.times - ideal).max() < step / 2)

    def _average_rate(self) -> Fraction:
        if len(self.times) == 1:
            return Fraction(25)
        span = int(self.times[-1] - self.times[0])
        return ((len(self.times) - 1) / (span * self.time_base)).limit_denominator(1001)


def read_timeline(path: Path) -> Timeline:
    """Reads all packets of a video once.

    Raises:
        InputError: If there is no such file.
        MediaError: If it has no pictures, or was cut short.
    """
    with open_input(path) as container, decoding(path):
        stream = video_stream(container, path)
        if container.format.name == "avi" and stream.codec_context.has_b_frames:
            raise MediaError(f"{path} is an AVI without display times: convert it to MP4.")
        timeline, end = _collect(container.demux(stream), stream, path)
        declared = declared_duration(stream)
    start = int(timeline.times[0])
    if declared is not None and (end - start) * timeline.time_base < declared - MISSING_S:
        raise MediaError(damaged(path))
    return timeline


def shown_at(item: Packet | VideoFrame) -> int | None:
    """When a packet's or frame's picture appears; AVI only has one kind of time."""
    return item.dts if item.pts is None else item.pts


def _collect(packets: Iterable[Packet], stream: VideoStream, path: Path) -> tuple[Timeline, int]:
    times: list[int] = []
    keys: list[int] = []
    end = 0
    for packet in packets:
        time = shown_at(packet)
        if not packet.size or time is None:
            continue
        if packet.is_corrupt:
            raise MediaError(damaged(path))
        if packet.is_keyframe:
            keys.append(time)
        if keys and time >= keys[0] and not packet.is_discard:
            times.append(time)
            end = max(end, time + (packet.duration or 0))
    if not times or stream.time_base is None:
        raise MediaError(f"{path} has no pictures that can be shown: export it again as MP4.")
    declared = (stream.guessed_rate, stream.average_rate)
    rates = tuple(rate for rate in declared if rate)
    return Timeline(np.unique(times), np.unique(keys), stream.time_base, rates), end


def declared_duration(stream: VideoStream | AudioStream) -> Fraction | None:
    """The seconds that a container promises; Matroska keeps them as "00:00:04.004000000"."""
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    clock = re.fullmatch(r"(\d+):(\d+):(\d+\.\d+)", stream.metadata.get("DURATION", ""))
    if clock is None:
        return None
    hours, minutes, seconds = map(Fraction, clock.groups())
    return hours * 3600 + minutes * 60 + seconds
