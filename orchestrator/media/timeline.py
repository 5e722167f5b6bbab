"""When the pictures of a video are shown, read from its packets without decoding."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from client.errors import MediaError
from orchestrator.media.opening import clock_may_jump, damaged, decoding, open_input, video_stream
from orchestrator.media.rates import Times, frame_rate, keeps_to, sampled

MISSING_S = Fraction(1, 2)  # a stream that ends earlier than declared by more was cut short
JUMP_S = 10  # a clock that leaps further began anew, as in transport streams put end to end
_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
# They tell the length of the whole file, not of each stream.
_STATING_WHOLE = ("flv", "matroska,webm")


@dataclass(frozen=True)
class Timeline:
    """The shown pictures of one video stream.

    Attributes:
        times: int64 [N], when each picture appears, ascending, in units of `time_base`.
        keys: int64 [K], times of the pictures at which decoding can start, ascending.
        time_base: Seconds per unit.
        declared_rates: What the container says of the frame rate, most trusted first.
        end: When the last picture is over, in units of `time_base`, where the file tells.
        counted: Whether decoded pictures carry no usable time: the n-th of them, decoded from the
            start of the file, appears at the n-th time.
        unsure: Time of a last picture that may be there in part, as in a transport stream, which
            does not tell its length. It is left out where it is damaged.
    """

    times: Times
    keys: Times
    time_base: Fraction
    declared_rates: tuple[Fraction, ...]
    end: int = 0
    counted: bool = False
    unsure: int | None = None

    def frame_rate(self) -> Fraction:
        """The constant rate to show the pictures at."""
        return frame_rate(self.times, self.time_base, self.declared_rates)

    def shown(self, rate: Fraction) -> Times:
        """The time of the picture that each frame of a constant rate shows, int64 [M].

        Where the pictures keep to the rate, each is shown once. Otherwise a frame shows the last
        picture that has appeared by then; the last picture is always shown.
        """
        if keeps_to(self.times, self.time_base, rate):
            return self.times
        return sampled(self.times, self.time_base, rate, self.end)


def read_timeline(path: Path) -> Timeline:
    """Reads all packets of a video once.

    Raises:
        InputError: If there is no such file.
        MediaError: If it has no pictures, or was cut short.
    """
    with open_input(path) as container, decoding(path):
        stream = video_stream(container, path)
        shown, held_s = _read(container, stream)
        if not shown.times or stream.time_base is None:
            raise MediaError(f"{path} has no pictures that can be shown: export it again as MP4.")
        # Transport streams call a packet corrupt where they were cut or put end to end, too; there
        # the decoder tells.
        if shown.corrupt and not clock_may_jump(container):
            raise MediaError(damaged(path))
        timeline = _timeline(shown, container, stream, stream.time_base)
        _check_complete(timeline, held_s, container, stream, path)
    return timeline


def shown_at(item: Packet | VideoFrame) -> int | None:
    """When a packet's or frame's picture appears; some formats only have one kind of time."""
    return item.dts if item.pts is None else item.pts


def declared_duration(stream: VideoStream | AudioStream) -> Fraction | None:
    """The seconds that a container promises; Matroska keeps them as "00:00:04.004000000"."""
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    clock = re.fullmatch(r"(\d+):(\d+):(\d+\.\d+)", stream.metadata.get("DURATION", ""))
    if clock is None:
        return None
    hours, minutes, seconds = map(Fraction, clock.groups())
    return hours * 3600 + minutes * 60 + seconds


def whole_duration(container: InputContainer) -> Fraction | None:
    """The seconds that a container promises for the longest of its streams, where it does."""
    if container.format.name not in _STATING_WHOLE or not container.duration:
        return None
    return Fraction(container.duration, 1_000_000)


def packet_end(packet: Packet, container: InputContainer, stream: AudioStream) -> int | None:
    """When the sound of a packet is over, in the packet's units, where the file tells.

    Encoders fill their last packet, editors cut in the middle of one: MP4 then states a length
    within it, and so does an MP3 whose encoder wrote its delay.
    """
    if packet.pts is None or not packet.duration:
        return None
    end = packet.pts + packet.duration
    states = container.format.name == _MP4 or (container.format.name == "mp3" and stream.start_time)
    if not states or stream.duration is None:
        return end
    stated = (stream.start_time or 0) + stream.duration
    return stated if packet.pts < stated < end else end


class Ends:
    """When the last packet of any stream is over."""

    def __init__(self) -> None:
        self._ends = defaultdict[int, int](int)

    def add(self, packet: Packet) -> None:
        """Takes notice of a packet."""
        if packet.pts is not None:
            index = packet.stream_index
            self._ends[index] = max(self._ends[index], packet.pts + (packet.duration or 0))

    def last_s(self, container: InputContainer) -> Fraction:
        """The latest end in seconds; 0 without packets."""
        ends_s = [
            end * (container.streams[index].time_base or Fraction(0))
            for index, end in self._ends.items()
        ]
        return max(ends_s, default=Fraction(0))


@dataclass
class _Pictures:
    """The packets from the first key frame on, in the order of decoding."""

    times: list[int] = field(default_factory=list)
    decoded: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    end: int = 0
    corrupt: bool = False
    all_timed: bool = True

    def add(self, packet: Packet) -> None:
        time = shown_at(packet)
        if time is None or not (self.keys or packet.is_keyframe):
            return
        if packet.is_keyframe:
            self.keys.append(time)
        self.corrupt |= packet.is_corrupt
        if not packet.is_discard:
            self.times.append(time)
            self.decoded.append(time if packet.dts is None else packet.dts)
            self.end = max(self.end, time + (packet.duration or 0))
            self.all_timed &= packet.pts is not None


def _read(container: InputContainer, stream: VideoStream) -> tuple[_Pictures, Fraction]:
    """The packets of the pictures, and when the last packet of any stream is over, in seconds."""
    shown, ends = _Pictures(), Ends()
    for packet in container.demux():
        if packet.size:
            ends.add(packet)
            if packet.stream_index == stream.index:
                shown.add(packet)
    return shown, ends.last_s(container)


def _timeline(
    shown: _Pictures, container: InputContainer, stream: VideoStream, time_base: Fraction
) -> Timeline:
    rates = tuple(rate for rate in (stream.guessed_rate, stream.average_rate) if rate)
    if not _is_counted(shown, container, stream, time_base):
        times, keys = np.unique(shown.times), np.unique(shown.keys)
        times = times[times >= shown.keys[0]]  # earlier ones lean on what is missing
        unsure = shown.times[-1] if clock_may_jump(container) else None
        return Timeline(times, keys, time_base, rates, shown.end, unsure=unsure)
    times = _without_jumps(np.array(shown.decoded), time_base)
    end = int(times[-1]) + shown.end - max(shown.times)
    return Timeline(times, times[:1], time_base, rates, end, counted=True)


def _is_counted(
    shown: _Pictures, container: InputContainer, stream: VideoStream, time_base: Fraction
) -> bool:
    if clock_may_jump(container):
        return bool(_jumps(np.array(shown.decoded), time_base).any())
    if container.format.name != "avi" or not stream.codec_context.has_b_frames:
        return False
    # It stores no display times. FFmpeg works them out for codecs such as MPEG-4 Part 2; for H.264
    # it gives ascending ones although pictures are decoded in another order.
    return not shown.all_timed or shown.times == sorted(shown.times)


def _jumps(decoded: Times, time_base: Fraction) -> NDArray[np.bool_]:
    steps = np.diff(decoded)
    return (steps < 0) | (steps > int(JUMP_S / time_base))


def _without_jumps(decoded: Times, time_base: Fraction) -> Times:
    """The same steps, with the usual one where the clock jumps."""
    steps = np.diff(decoded)
    if len(steps):
        steps[_jumps(decoded, time_base)] = np.sort(steps)[len(steps) // 2]
    times: Times = decoded[0] + np.concatenate([[0], np.cumsum(steps)])
    return times


def _check_complete(
    timeline: Timeline,
    held_s: Fraction,
    container: InputContainer,
    stream: VideoStream,
    path: Path,
) -> None:
    declared_s = declared_duration(stream)
    if declared_s is not None:
        # Matroska counts from 0, others from their first picture.
        from_zero = container.format.name == "matroska,webm"
        start = min(int(timeline.times[0]), 0) if from_zero else int(timeline.times[0])
        held_s = (timeline.end - start) * timeline.time_base
    else:
        declared_s = whole_duration(container)
    if declared_s is not None and held_s < declared_s - MISSING_S:
        raise MediaError(damaged(path))
