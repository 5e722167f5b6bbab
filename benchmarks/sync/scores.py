"""The figures of the judge, and its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.sync.faces import Floats
from benchmarks.sync.opening import Curve
from benchmarks.sync.phonemes import Phoneme, expected_opening, shifted
from client.errors import InputError

OPEN_VOWELS: Final = frozenset({"a", "ae", "E", "O"})
CLOSURES: Final = frozenset({"M", "PB"})
SILENCE: Final = frozenset({"sil"})
VOWEL_CORE: Final = (0.25, 0.75)
CLOSURE_CORE: Final = (0.2, 0.7)
"""A stop shuts the lips first and ends with its burst."""
SILENCE_CORE: Final = (0.3, 0.7)
"""Lips close after the last sound and open before the next."""
MAX_LAG_S: Final = 0.5
LAG_STEP_S: Final = 0.01
MIN_EFFECT: Final = 0.8
"""Cohen calls an effect of 0.8 large."""
MIN_MARGIN: Final = 0.5
"""By so much must the effect fall when the speech is shifted."""
MAX_OFFSET_S: Final = 0.1
"""A mouth that fits best at a larger delay fits other sounds by chance."""


@dataclass(frozen=True)
class Scores:
    """Agreement of a mouth with one set of phoneme times.

    Attributes:
        open_vowels: Mean lip opening in open vowels, in eye distances.
        closures: Mean lip opening in m, b and p.
        silence: Mean lip opening in pauses.
        effect_closures: Cohen's d of open vowels against closures.
        effect_silence: Cohen's d of open vowels against silence.
        correlation: Pearson's r with the expected opening.
        best_lag_s: Delay of the mouth at which the correlation is highest; positive: late.
        best_correlation: The correlation at that delay.
    """

    open_vowels: float
    closures: float
    silence: float
    effect_closures: float
    effect_silence: float
    correlation: float
    best_lag_s: float
    best_correlation: float


@dataclass(frozen=True)
class Verdict:
    """The scores as the speech is, the scores with the speech shifted, and what follows."""

    aligned: Scores
    control: Scores
    shift_s: float
    in_sync: bool


def cohens_d(first: Floats, second: Floats) -> float:
    """Return the difference of the means over the pooled standard deviation.

    Source: J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, section 2.2.
    """
    squares = ((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum()
    pooled = np.sqrt(squares / max(len(first) + len(second) - 2, 1))
    return float((first.mean() - second.mean()) / max(pooled, 1e-9))


def correlate(first: Floats, second: Floats) -> float:
    """Return Pearson's r, or 0 where one of the two never changes."""
    a, b = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 1e-12 else 0.0


def during(
    curve: Curve, phonemes: Sequence[Phoneme], names: frozenset[str], core: tuple[float, float]
) -> Floats:
    """Return the values in the cores of some sounds; a short sound gives its nearest frame.

    Raises:
        InputError: None of the sounds is inside the curve.
    """
    values: list[float] = []
    for phoneme in phonemes:
        begin_s, end_s = phoneme.core(*core)
        middle_s = (begin_s + end_s) / 2
        if phoneme.name not in names or not _inside(curve, middle_s):
            continue
        inside = (curve.times_s >= begin_s) & (curve.times_s <= end_s)
        nearest = [int(np.abs(curve.times_s - middle_s).argmin())]
        values += curve.values[inside if inside.any() else nearest].tolist()
    if not values:
        raise InputError(f"No sound of {sorted(names)} falls into the video; give its own speech.")
    return np.array(values)


def best_lag(curve: Curve, phonemes: Sequence[Phoneme]) -> tuple[float, float]:
    """Return the delay of the mouth with the highest correlation, and that correlation."""
    count = round(MAX_LAG_S / LAG_STEP_S)
    lags_s = np.arange(-count, count + 1) * LAG_STEP_S
    found = [correlate(curve.values, expected_opening(phonemes, curve.times_s - t)) for t in lags_s]
    best = int(np.argmax(found))
    return round(float(lags_s[best]), 3), found[best]


def score(curve: Curve, phonemes: Sequence[Phoneme]) -> Scores:
    """Return the scores of a mouth against phoneme times."""
    vowels = during(curve, phonemes, OPEN_VOWELS, VOWEL_CORE)
    closures = during(curve, phonemes, CLOSURES, CLOSURE_CORE)
    silence = during(curve, phonemes, SILENCE, SILENCE_CORE)
    lag_s, lag_correlation = best_lag(curve, phonemes)
    return Scores(
        open_vowels=float(vowels.mean()),
        closures=float(closures.mean()),
        silence=float(silence.mean()),
        effect_closures=cohens_d(vowels, closures),
        effect_silence=cohens_d(vowels, silence),
        correlation=correlate(curve.values, expected_opening(phonemes, curve.times_s)),
        best_lag_s=lag_s,
        best_correlation=lag_correlation,
    )


def judge(curve: Curve, phonemes: Sequence[Phoneme], shift_s: float) -> Verdict:
    """Score a mouth as it is and with the speech shifted, and say whether it is in sync.

    In sync is a mouth with a large effect, clearly above that of the shifted speech, that fits
    best where it is.
    """
    aligned = score(curve, phonemes)
    control = score(curve, shifted(phonemes, shift_s))
    margin = aligned.effect_closures - control.effect_closures
    clear = aligned.effect_closures >= MIN_EFFECT and margin >= MIN_MARGIN
    in_place = abs(aligned.best_lag_s) <= MAX_OFFSET_S
    return Verdict(aligned, control, shift_s, in_sync=clear and in_place)


def _inside(curve: Curve, time_s: float) -> bool:
    return bool(curve.times_s[0] <= time_s <= curve.times_s[-1])
