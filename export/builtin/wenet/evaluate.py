"""Measure the speech encoder on held-out synthesised speech."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from export.builtin.wenet.dataset import StoredRecording, cut, load_recordings
from export.builtin.wenet.labels import soft_labels
from export.builtin.wenet.model import (
    CONTEXT_SAMPLES,
    CORE_FEATURES,
    CORE_SAMPLES,
    FIRST_CORE_FEATURE,
    WINDOW_FEATURES,
    WINDOW_SAMPLES,
    SpeechEncoder,
)
from export.builtin.wenet.phones import GROUP_OF, LIPS_SHUT, MOUTH_SHAPES, PHONES
from export.builtin.wenet.utterances import SAMPLE_RATE_HZ

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]

_OPENING = 30
_CLEAR_SHARE = 0.85  # of a feature's time belongs to one phone
_SHUT_LABEL = 0.6
_SHUT_OPENING = 0.12  # below this a renderer shows closed lips
_OPEN_LABEL = 0.3


@dataclass(frozen=True)
class Scores:
    """Agreement of features with an engine's own labels; all in 0..1 but the count."""

    features: int
    phone_accuracy: float
    group_accuracy: float
    clear_group_accuracy: float
    opening_correlation: float
    smoothed_correlation: float
    closed_share: float
    false_closed_share: float
    voicing_accuracy: float


def evaluate(model: SpeechEncoder, corpus: Path) -> dict[str, Scores]:
    """Score a model on every test file of a corpus, cut into windows as when it is served."""
    rng = np.random.default_rng(0)
    scores: dict[str, Scores] = {}
    for path in sorted(corpus.glob("test/*.npz")):
        recordings = load_recordings(corpus, f"test/{path.name}", rng)
        scores[path.stem] = score(*_run(model, recordings))
    return scores


def encode(model: SpeechEncoder, samples: NDArray[np.int16]) -> Array:
    """Run a whole recording window by window: [n] int16 at 16 kHz to [T, 64]."""
    starts = range(-CONTEXT_SAMPLES, len(samples) - CONTEXT_SAMPLES, CORE_SAMPLES)
    speech = np.stack([cut(samples, start, WINDOW_SAMPLES) for start in starts])
    with torch.no_grad():
        features = model.eval()(torch.from_numpy(speech)).numpy()
    return np.asarray(features.reshape(-1, features.shape[-1]))


def _run(model: SpeechEncoder, recordings: list[StoredRecording]) -> tuple[Array, Array, Array]:
    features, phones, voiced = [], [], []
    for samples, segments in recordings:
        count = len(samples) * CORE_FEATURES // CORE_SAMPLES
        start_s = -CONTEXT_SAMPLES / SAMPLE_RATE_HZ
        shares, voices = soft_labels(segments, start_s, count + WINDOW_FEATURES)
        own = slice(FIRST_CORE_FEATURE, FIRST_CORE_FEATURE + count)
        features.append(encode(model, samples)[:count])
        phones.append(shares[own])
        voiced.append(voices[own])
    return np.concatenate(features), np.concatenate(phones), np.concatenate(voiced)


def score(features: Array, phones: Array, voiced: Array) -> Scores:
    """Compare features [T, 64] with phone shares [T, 28] and voiced shares [T]."""
    found, true = features[:, : len(PHONES)].argmax(axis=1), phones.argmax(axis=1)
    right = GROUP_OF[found] == GROUP_OF[true]
    opening, true_opening = features[:, _OPENING], opening_of(phones)
    shut = phones[:, sorted(LIPS_SHUT)].sum(axis=1) > _SHUT_LABEL
    shown_shut = opening < _SHUT_OPENING
    return Scores(
        features=len(features),
        phone_accuracy=float((found == true).mean()),
        group_accuracy=float(right.mean()),
        clear_group_accuracy=float(right[phones.max(axis=1) > _CLEAR_SHARE].mean()),
        opening_correlation=_correlation(opening, true_opening),
        smoothed_correlation=_correlation(_smooth(opening), _smooth(true_opening)),
        closed_share=float(shown_shut[shut].mean()),
        false_closed_share=float(shown_shut[true_opening > _OPEN_LABEL].mean()),
        voicing_accuracy=float(((features[:, len(PHONES)] > 0.5) == (voiced > 0.5)).mean()),
    )


def opening_of(phones: Array) -> Array:
    """Opening [T] of labelled phone shares [T, 28], by the formula of the served model."""
    closure = np.clip(phones[:, sorted(LIPS_SHUT)].sum(axis=1), 0, 1)
    return np.asarray((phones @ MOUTH_SHAPES[:, 0]) * (1 - closure) ** 1.5)


def _smooth(track: Array) -> Array:
    return np.convolve(np.pad(track, 1, mode="edge"), [0.25, 0.5, 0.25], "valid").astype(np.float32)


def _correlation(a: Array, b: Array) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def report(scores: dict[str, Scores]) -> None:
    """Log one line for each test set."""
    for name, found in scores.items():
        values = " ".join(f"{key} {value:.3f}" for key, value in asdict(found).items())
        logger.info("%s: %s", name, values)
