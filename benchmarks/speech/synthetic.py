"""Test speech of the synthesisers, which time their own sounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.speech.encoder import HOP, SAMPLE_RATE_HZ, Floats
from client.errors import InputError
from export.builtin.wenet import utterances as store
from export.builtin.wenet.labels import FIRST_CENTRE_S, HOP_S, soft_labels
from export.builtin.wenet.phones import SILENCE
from export.builtin.wenet.utterances import Segment

PAUSE_S: Final = 0.32
PIECE_S: Final = 10  # that is degraded in one way


class Speech(NamedTuple):
    """A test: mono speech at 16 kHz, [n] int16, and the phone shares of its features, [T, 28]."""

    name: str
    samples: NDArray[np.int16]
    labels: Floats


def spoken_sets(corpus: Path) -> Iterator[Speech]:
    """Reads the test files of a corpus, each as one recording.

    Raises:
        InputError: If there are none.
    """
    paths = sorted(corpus.glob("test/*.npz"))
    if not paths:
        raise InputError(
            f"There is no test speech in {corpus}; run python -m export.builtin.wenet synthesise."
        )
    for path in paths:
        yield _joined(path)


def _joined(path: Path) -> Speech:
    pause = np.zeros(int(PAUSE_S * SAMPLE_RATE_HZ), np.int16)
    sounds: list[NDArray[np.int16]] = []
    segments: list[Segment] = []
    end_s = 0.0
    for utterance in store.load(path):
        segments.append(Segment(end_s, end_s + PAUSE_S, SILENCE, False))
        start_s = end_s + PAUSE_S
        segments += [
            segment._replace(start_s=segment.start_s + start_s, end_s=segment.end_s + start_s)
            for segment in utterance.segments
        ]
        sounds += [pause, utterance.samples]
        end_s = start_s + utterance.duration_s
    samples = np.concatenate(sounds)
    return Speech(path.stem, samples, labels_of(segments, len(samples) // HOP))


def labels_of(segments: list[Segment], count: int) -> Floats:
    """Phone shares [count, 28] of a recording's features, the first of which begins with it."""
    return soft_labels(segments, HOP_S / 2 - FIRST_CENTRE_S, count)[0]


def degraded(speech: Speech, seed: int = 0) -> Speech | None:
    """Degrades a test as the training does; nothing where torch is not installed."""
    try:
        import torch

        from export.builtin.wenet.augment import Augmenter
    except ImportError:
        return None
    count = len(speech.samples) // (PIECE_S * SAMPLE_RATE_HZ)
    whole = speech.samples[: count * PIECE_S * SAMPLE_RATE_HZ].reshape(count, -1)
    augmenter = Augmenter(torch.Generator().manual_seed(seed), clean_share=0.0)
    changed = augmenter(torch.from_numpy(whole / np.float32(32768))).numpy().reshape(-1)
    samples = np.clip(np.round(changed * 32768), -32768, 32767).astype(np.int16)
    return Speech(f"{speech.name}, degraded", samples, speech.labels[: len(samples) // HOP])
