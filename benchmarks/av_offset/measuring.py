"""Where flashes and claps are in a finished video, by its own timestamps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.av_offset.making import clap
from client.errors import MediaError

WINDOW_S: Final = 20.0
SEARCH_S: Final = 0.3
BRIGHTER: Final = 60
"""A flash is at least so much brighter than the usual picture, of 255."""


@dataclass(frozen=True)
class Offset:
    """How much later than flashes the claps are heard.

    Attributes:
        median_ms: The middle one.
        worst_ms: The one furthest from 0.
        flashes: How many were measured.
        frame_ms: Length of a frame.
    """

    median_ms: float
    worst_ms: float
    flashes: int
    frame_ms: float

    def __str__(self) -> str:
        frames = self.median_ms / self.frame_ms
        return f"{self.median_ms:+7.2f} ms = {frames:+.3f} frames (worst {self.worst_ms:+.2f} ms)"


def measure(video: Path, start_s: float, end_s: float) -> Offset:
    """Compare claps with flashes in a part of a video.

    Raises:
        MediaError: There is no flash in that part.
    """
    flashes_s, frame_s = flashes(video, start_s, end_s)
    sound, rate, sound_start_s = read_sound(video, start_s - 1, end_s + 1)
    late_ms = [
        1000 * (clap_near(sound, rate, time_s - sound_start_s) - time_s + sound_start_s)
        for time_s in flashes_s
        if SEARCH_S < time_s - sound_start_s < len(sound) / rate - SEARCH_S
    ]
    if not late_ms:
        raise MediaError(f"{video} does not flash from {start_s:.0f} to {end_s:.0f} s.")
    worst = max(late_ms, key=abs)
    return Offset(float(np.median(late_ms)), worst, len(late_ms), 1000 * frame_s)


def flashes(video: Path, start_s: float, end_s: float) -> tuple[list[float], float]:
    """Return when flashes start, and the length of a frame, in seconds."""
    times, lumas = [], []
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        container.seek(int(max(start_s, 0) * av.time_base))
        for frame in container.decode(stream):
            if frame.time is None or frame.time > end_s:
                break
            times.append(frame.time)
            lumas.append(float(frame.to_ndarray(format="gray").mean()))
        frame_s = float(1 / (stream.average_rate or Fraction(25)))
    bright = np.array(lumas) > np.median(lumas) + BRIGHTER
    starts = np.flatnonzero(bright[1:] & ~bright[:-1]) + 1
    return [times[place] for place in starts if times[place] >= start_s], frame_s


def read_sound(video: Path, start_s: float, end_s: float) -> tuple[NDArray[np.float32], int, float]:
    """Return samples of the first channel at their own times, their rate and their start."""
    with av.open(str(video)) as container:
        stream = container.streams.audio[0]
        rate = stream.sample_rate
        if start_s > 0:
            container.seek(int(start_s * av.time_base))
        parts: list[tuple[float, NDArray[np.float32]]] = []
        for frame in container.decode(stream):
            if frame.time is None or frame.time > end_s:
                break
            parts.append((frame.time, frame.to_ndarray()[0]))
    begin_s = parts[0][0]
    sound = np.zeros(round((parts[-1][0] - begin_s) * rate) + len(parts[-1][1]), np.float32)
    for time_s, samples in parts:
        place = round((time_s - begin_s) * rate)
        sound[place : place + len(samples)] = samples
    return sound, rate, begin_s


def clap_near(sound: NDArray[np.float32], rate: int, time_s: float) -> float:
    """Return when the clap nearest to a time starts, in seconds of the sound."""
    wave, reach = clap(rate), round(SEARCH_S * rate)
    begin = max(0, round(time_s * rate) - reach)
    part = sound[begin : begin + 2 * reach + len(wave)]
    agreement = np.abs(np.correlate(part, wave, "valid"))
    return (begin + int(np.argmax(agreement))) / rate
