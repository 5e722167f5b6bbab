"""How far the sounds that are heard are from those of a sentence, without their times."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from benchmarks.speech.encoder import Floats
from export.builtin.wenet.engines.espeak import Espeak
from export.builtin.wenet.phones import GROUP_OF, PHONES, SILENCE, ipa_sounds

VOICE = "cmn-latn-pinyin"
SHUFFLES = 100


def groups_of(pinyin: str) -> list[int]:
    """Lists the groups of sounds that espeak-ng reads in pinyin."""
    _, phonemes = Espeak().say(pinyin, VOICE, rate_wpm=170, pitch=50, pitch_range=50)
    sounds = (sound for _, symbol in phonemes for sound in ipa_sounds(symbol, VOICE))
    return _merged([phone for sound in sounds for phone in sound.phones])


def heard(features: Floats) -> list[int]:
    """Lists the groups of sounds that features [T, 64] hear."""
    return _merged([int(phone) for phone in features[:, : len(PHONES)].argmax(axis=1)])


def _merged(phones: Sequence[int]) -> list[int]:
    spoken = [phone for phone, _ in groupby(phones) if phone != SILENCE]
    return [group for group, _ in groupby(int(GROUP_OF[phone]) for phone in spoken)]


def error(found: Sequence[int], wanted: Sequence[int]) -> float:
    """Edits from one list to the other, for each of the wanted."""
    costs = list(range(len(found) + 1))
    for row, want in enumerate(wanted, 1):
        corner, costs[0] = costs[0], row
        for column, got in enumerate(found, 1):
            step = min(costs[column] + 1, costs[column - 1] + 1, corner + (got != want))
            corner, costs[column] = costs[column], step
    return costs[-1] / len(wanted)


def shuffled_error(found: Sequence[int], wanted: Sequence[int]) -> float:
    """What the error is on average if the same sounds are heard in any order."""
    rng = np.random.default_rng(0)
    orders = (list(rng.permutation(list(found))) for _ in range(SHUFFLES))
    return float(np.mean([error(order, wanted) for order in orders]))
