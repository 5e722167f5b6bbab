"""Agreement of features with labels, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.speech.encoder import Floats
from export.builtin.wenet.phones import GROUP_OF, LIPS_SHUT, MOUTH_SHAPES, PHONES, SILENCE

VOICING: Final = 28
OPENING: Final = 30
CLEAR: Final = 0.85  # of a feature's time belongs to one phone
SHUT: Final = 0.6  # of a feature's time belongs to m, b or p
SHUT_EVENT: Final = 0.3
SHUT_OPENING: Final = 0.12  # below this a renderer shows closed lips
OPEN: Final = 0.3  # opening that a viewer sees
CLOSING_POWER: Final = 1.5
LAGS: Final = (-2, -1, 0, 1, 2)
BLOCK: Final = 25  # features, a second, that are drawn together
DRAWS: Final = 400


@dataclass(frozen=True)
class Scores:
    """Agreement of features with labels.

    Attributes:
        features: How many were compared.
        group: Share whose sound is in the right one of 13 groups that look alike.
        group_range: Where that share is with 95 % confidence, by a bootstrap of seconds.
        clear: The same share among features that belong to one sound.
        opening: Correlation with the opening of the labels.
        smoothed: The same, both smoothed over three features.
        events: How often m, b or p was said.
        shut: Share of those in which the lips shut.
        wrongly_shut: Share of features with an open mouth that are shown shut.
        quiet: Share of silent features that are shown shut.
        lag: Features by which they are late: the shift that agrees best with the labels.
    """

    features: int
    group: float
    group_range: tuple[float, float]
    clear: float
    opening: float
    smoothed: float
    events: int
    shut: float
    wrongly_shut: float
    quiet: float
    lag: int


def score(features: Floats, labels: Floats) -> Scores:
    """Compares features [T, 64] with phone shares [T, 28]."""
    right = right_groups(features, labels)
    opening, wanted = features[:, OPENING], opening_of(labels)
    shown_shut = opening < SHUT_OPENING
    events = list(shut_events(labels))
    return Scores(
        features=len(features),
        group=float(right.mean()),
        group_range=interval(right),
        clear=share(right, labels.max(axis=1) > CLEAR),
        opening=correlation(opening, wanted),
        smoothed=correlation(smooth(opening), smooth(wanted)),
        events=len(events),
        shut=float(np.mean([shown_shut[event].any() for event in events])) if events else np.nan,
        wrongly_shut=share(shown_shut, wanted > OPEN),
        quiet=share(shown_shut, labels[:, SILENCE] > CLEAR),
        lag=max(LAGS, key=lambda lag: agreement(features, labels, lag)),
    )


def right_groups(features: Floats, labels: Floats) -> NDArray[np.bool_]:
    """Tells for each feature whether its sound is in the group of the label."""
    found = features[:, : len(PHONES)].argmax(axis=1)
    return np.asarray(GROUP_OF[found] == GROUP_OF[labels.argmax(axis=1)])


def opening_of(labels: Floats) -> Floats:
    """Opening [T] of phone shares [T, 28], as the encoder is taught it."""
    closure = np.clip(labels[:, sorted(LIPS_SHUT)].sum(axis=1), 0, 1)
    return np.asarray((labels @ MOUTH_SHAPES[:, 0]) * (1 - closure) ** CLOSING_POWER, np.float32)


def shut_events(labels: Floats) -> Iterator[slice]:
    """Yields every run of features in which m, b or p is said, if it fills one of them."""
    shut = labels[:, sorted(LIPS_SHUT)].sum(axis=1)
    edges = np.flatnonzero(np.diff(np.pad(shut > SHUT_EVENT, 1).astype(np.int8)))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if shut[first:last].max() > SHUT:
            yield slice(int(first), int(last))


def agreement(features: Floats, labels: Floats, lag: int) -> float:
    """Sums the posteriors of what the labels say, features taken `lag` later."""
    posteriors = features[:, : len(PHONES)]
    edge = max(map(abs, LAGS))
    inner = slice(edge, len(labels) - edge)
    return float((np.roll(posteriors, -lag, axis=0)[inner] * labels[inner]).sum())


def share(found: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    """Share of what was found among some; not a number if there are none."""
    return float(found[among].mean()) if among.any() else float("nan")


def smooth(track: Floats) -> Floats:
    """Smooths [T] over three features."""
    return np.convolve(np.pad(track, 1, mode="edge"), [0.25, 0.5, 0.25], "valid").astype(np.float32)


def correlation(a: Floats, b: Floats) -> float:
    """Pearson's correlation of two tracks."""
    return float(np.corrcoef(a, b)[0, 1])


def interval(right: NDArray[np.bool_]) -> tuple[float, float]:
    """95 % interval of a share, by drawing whole seconds with replacement."""
    blocks = np.array_split(right, max(1, len(right) // BLOCK))
    sums, sizes = (np.array([f(block) for block in blocks]) for f in (np.sum, len))
    drawn = np.random.default_rng(0).integers(len(blocks), size=(DRAWS, len(blocks)))
    shares = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(shares, (2.5, 97.5))
    return float(low), float(high)
