"""Recordings joined out of utterances, and the windows that the encoder learns from."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from client.errors import InputError
from export.builtin.wenet import utterances as store
from export.builtin.wenet.augment import Recording, augment
from export.builtin.wenet.labels import soft_labels
from export.builtin.wenet.phones import SILENCE
from export.builtin.wenet.utterances import SAMPLE_RATE_HZ, Segment, Utterance

_RECORDING_S = 12.0  # utterances of one voice are joined to about this length
_SHORT_PAUSE_S, _LONG_PAUSE_S = 0.5, 4.0
_LONG_PAUSE_SHARE = 0.15
_OVERLAP_S = 2.0  # of a window with its recording, at least
_CLEAN_SHARE = 0.15
_SPEECHLESS_SHARE = 0.06  # of windows: silence or a quiet hiss, and nothing else


class StoredRecording(NamedTuple):
    """A recording as it is kept in memory: int16 samples at 16 kHz and its phones."""

    samples: NDArray[np.int16]
    segments: list[Segment]


class Batch(NamedTuple):
    """Windows [B, n] float32 in -1..1, phone shares [B, T, 28] and voiced shares [B, T]."""

    speech: NDArray[np.float32]
    phones: NDArray[np.float32]
    voiced: NDArray[np.float32]


def load_recordings(folder: Path, pattern: str, rng: np.random.Generator) -> list[StoredRecording]:
    """Join the utterances of every matching file of a corpus into recordings.

    Raises:
        InputError: the folder holds no such speech.
    """
    recordings: list[StoredRecording] = []
    for path in sorted(folder.glob(pattern)):
        recordings += _join(store.load(path), rng)
    if not recordings:
        raise InputError(f"There is no speech in {folder / pattern}; run `synthesise` first.")
    return recordings


def _join(utterances: Iterator[Utterance], rng: np.random.Generator) -> Iterator[StoredRecording]:
    sounds: list[NDArray[np.int16]] = []
    segments: list[Segment] = []
    end_s = 0.0
    for utterance in utterances:
        pause = np.zeros(int(_pause_s(rng) * SAMPLE_RATE_HZ), np.int16)
        start_s = end_s + len(pause) / SAMPLE_RATE_HZ
        sounds += [pause, utterance.samples]
        segments.append(Segment(end_s, start_s, SILENCE, False))
        segments += [
            segment._replace(start_s=segment.start_s + start_s, end_s=segment.end_s + start_s)
            for segment in utterance.segments
        ]
        end_s = start_s + utterance.duration_s
        if end_s >= _RECORDING_S:
            yield StoredRecording(np.concatenate(sounds), segments)
            sounds, segments, end_s = [], [], 0.0
    if sounds:
        yield StoredRecording(np.concatenate(sounds), segments)


def _pause_s(rng: np.random.Generator) -> float:
    longest_s = _LONG_PAUSE_S if rng.random() < _LONG_PAUSE_SHARE else _SHORT_PAUSE_S
    return float(rng.uniform(0, longest_s))


def augmented(
    recordings: list[StoredRecording], rng: np.random.Generator
) -> Iterator[StoredRecording]:
    """Make one changed copy of every recording; some stay clean."""

    def babble(count: int) -> NDArray[np.float64]:
        other = recordings[int(rng.integers(len(recordings)))].samples
        shifted = np.roll(other, int(rng.integers(len(other))))
        return np.resize(shifted, count) / (np.std(other) + 1.0)

    for samples, segments in recordings:
        changed = Recording(samples / 32768, segments)
        if rng.random() >= _CLEAN_SHARE:
            changed = augment(changed, rng, babble)
        yield StoredRecording(_to_int16(changed.samples), changed.segments)


def _to_int16(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)


def windows(
    recordings: list[StoredRecording], samples: int, features: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]:
    """Cut windows at random places, for ever, every recording once in each round.

    A window may begin before its recording and end after it; what is outside is zero, as it is
    in front of and behind the recordings that the encoder is used on.

    Args:
        recordings: speech to cut from.
        samples: length of a window.
        features: outputs of the encoder for one window.
        rng: draws order and places.

    Yields:
        Speech [samples], phone shares [features, 28], voiced shares [features].
    """
    overlap = int(_OVERLAP_S * SAMPLE_RATE_HZ)
    while True:
        for index in rng.permutation(len(recordings)):
            if rng.random() < _SPEECHLESS_SHARE:
                yield _speechless(samples, rng), *soft_labels([], 0.0, features)
            sound, segments = recordings[index]
            earliest, latest = overlap - samples, len(sound) - overlap
            inside = len(sound) - samples
            if rng.random() < 0.5 and inside > 0:
                earliest, latest = 0, inside
            start = int(rng.integers(earliest, latest))
            labels = soft_labels(segments, start / SAMPLE_RATE_HZ, features)
            yield cut(sound, start, samples), *labels


def _speechless(samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
    level_dbfs = rng.uniform(-90, -45) if rng.random() < 0.6 else -np.inf
    hiss = np.asarray(rng.standard_normal(samples), np.float32)
    if rng.random() < 0.5:
        hiss = np.convolve(hiss, [0.4, 0.4, 0.4, 0.4, 0.4], "same").astype(np.float32)
    return np.asarray(hiss * 10 ** (level_dbfs / 20), np.float32)


def cut(sound: NDArray[np.int16], start: int, samples: int) -> NDArray[np.float32]:
    """Cut [samples] float32 in -1..1 from a recording; zeros where it has nothing."""
    window = np.zeros(samples, np.float32)
    first, last = max(0, start), min(len(sound), start + samples)
    window[first - start : last - start] = sound[first:last] / 32768
    return window


def batches(
    recordings: list[StoredRecording],
    samples: int,
    features: int,
    size: int,
    rng: np.random.Generator,
) -> Iterator[Batch]:
    """Stack windows (see `windows`) into batches of a size, for ever."""
    source = windows(recordings, samples, features, rng)
    while True:
        speech, phones, voiced = zip(*(next(source) for _ in range(size)), strict=True)
        yield Batch(np.stack(speech), np.stack(phones), np.stack(voiced))
