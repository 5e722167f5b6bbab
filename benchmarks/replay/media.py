"""What every job of a replay is given, and how its result is counted."""

from __future__ import annotations

import wave
from pathlib import Path

import av

from benchmarks.commands import DATA
from benchmarks.replay.cases import RATE

VIDEO = DATA / "portrait.mp4"
SPEECH = DATA / "speech.wav"


def make_recording(path: Path, frames: int) -> Path:
    """Cuts the sample's first words, as long as so many frames, and returns the file."""
    with wave.open(str(SPEECH)) as source, wave.open(str(path), "wb") as cut:
        cut.setparams(source.getparams())
        cut.writeframes(source.readframes(frames * source.getframerate() // RATE))
    return path


def count_frames(path: Path) -> int:
    """Decodes a video; returns 0 where there is none that can be decoded."""
    try:
        with av.open(str(path)) as container:
            return sum(1 for _ in container.decode(video=0))
    except (OSError, av.FFmpegError, IndexError):
        return 0
