"""Timed utterances, and the files that hold them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from export.builtin.wenet.phones import SILENCE, Sound

SAMPLE_RATE_HZ = 16_000


class Segment(NamedTuple):
    """A stretch of speech of one phone class."""

    start_s: float
    end_s: float
    phone: int
    voiced: bool


@dataclass(frozen=True)
class Utterance:
    """Mono speech at 16 kHz (int16) and the phones in it, in order."""

    samples: NDArray[np.int16]
    segments: list[Segment]
    voice: str

    @property
    def duration_s(self) -> float:
        """Length of the sound in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ


def spread(start_s: float, end_s: float, sounds: list[Sound]) -> list[Segment]:
    """Divide a span equally among the phone classes of the sounds; silence if there are none."""
    parts = [(phone, sound.voiced) for sound in sounds for phone in sound.phones]
    parts = parts or [(SILENCE, False)]
    edges = np.linspace(start_s, end_s, len(parts) + 1)
    return [
        Segment(float(a), float(b), phone, voiced)
        for a, b, (phone, voiced) in zip(edges, edges[1:], parts, strict=False)
    ]


def segments_from_ends(ends: Iterable[tuple[Sound, float]]) -> list[Segment]:
    """Turn (sound, end in seconds) pairs, as Festival and Flite give them, into segments."""
    segments: list[Segment] = []
    start_s = 0.0
    for sound, end_s in ends:
        if end_s > start_s:
            segments += spread(start_s, end_s, [sound])
            start_s = end_s
    return segments


def save(path: Path, utterances: list[Utterance]) -> None:
    """Write utterances of one voice or engine to a ``.npz`` file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")  # hidden from patterns
    rows = [(index, *segment) for index, item in enumerate(utterances) for segment in item.segments]
    np.savez(
        partial,
        samples=np.concatenate([item.samples for item in utterances]),
        lengths=np.array([len(item.samples) for item in utterances]),
        segments=np.array(rows, np.float64),
        voices=np.array([item.voice for item in utterances]),
    )
    partial.replace(path)


def load(path: Path) -> Iterator[Utterance]:
    """Read what `save` wrote."""
    with np.load(path) as data:
        lengths, rows, voices = data["lengths"], data["segments"], data["voices"]
        sounds = np.split(data["samples"], np.cumsum(lengths)[:-1])
    bounds = np.searchsorted(rows[:, 0], np.arange(len(lengths) + 1))
    for index, samples in enumerate(sounds):
        own = rows[bounds[index] : bounds[index + 1]]
        segments = [Segment(a, b, int(phone), bool(voiced)) for _, a, b, phone, voiced in own]
        yield Utterance(samples, segments, str(voices[index]))
