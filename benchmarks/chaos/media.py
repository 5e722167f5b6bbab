"""The job of every round, and what its video must be."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.commands import DATA

RECORDING_S: Final = 2.5
BLOCK: Final = 16
LIMIT: Final = 12.0
"""Levels; two undisturbed jobs differ by 5, neighbouring frames of the sample by 7 to 80."""

Luma: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class Job:
    """What is put in, and what an undisturbed job made of it."""

    video: Path
    audio: Path
    pictures: list[Luma]
    samples: int

    def fault_of(self, made: Path) -> str | None:
        """Returns what is wrong with a video; None if it is the undisturbed job's."""
        try:
            pictures, samples = read_video(made)
        except (av.FFmpegError, IndexError) as error:
            return f"{made.name} cannot be decoded: {error}"
        if len(pictures) != len(self.pictures):
            return f"{made.name} has {len(pictures)} frames, not {len(self.pictures)}"
        if samples != self.samples:
            return f"{made.name} has {samples} samples of sound, not {self.samples}"
        for number, (one, other) in enumerate(zip_longest(pictures, self.pictures)):
            if (worst := difference(one, other)) > LIMIT:
                return f"frame {number} of {made.name} is another by {worst:.0f} levels"
        return None


def make_recording(path: Path) -> Path:
    """Cuts the sample's first words."""
    with wave.open(str(DATA / "speech.wav")) as source, wave.open(str(path), "wb") as cut:
        cut.setparams(source.getparams())
        cut.writeframes(source.readframes(round(RECORDING_S * source.getframerate())))
    return path


def read_video(path: Path) -> tuple[list[Luma], int]:
    """Decodes all of a video: luma of its pictures [H,W], and the number of sound samples.

    Raises:
        FFmpegError: If it cannot be decoded.
        IndexError: If it has no pictures or no sound.
    """
    with av.open(str(path)) as container:
        pictures = list(_luma(container))
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(container.streams.audio[0]))
    return pictures, samples


def _luma(container: av.container.InputContainer) -> Iterator[Luma]:
    for picture in container.decode(container.streams.video[0]):
        yield picture.to_ndarray(format="gray").astype(np.uint8, copy=False)


def difference(one: Luma, other: Luma) -> float:
    """Returns how far the most different block of two pictures is apart, in levels."""
    height, width = (side // BLOCK * BLOCK for side in one.shape)
    apart = np.abs(one[:height, :width].astype(np.int16) - other[:height, :width])
    blocks = apart.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return float(blocks.mean((1, 3)).max())
