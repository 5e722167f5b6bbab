"""Mandarin syllables: which exist, and how they are spelled and pronounced.

Source: the table of syllables of Hanyu Pinyin (ISO 7098), without rare interjections.
"""

from typing import NamedTuple

import numpy as np

_ALL = "b p m f d t n l g k h zh ch sh r z c s"
# Final -> initials it goes with, and how it is spelled without any.
_FINALS: dict[str, tuple[str, str]] = {
    "a": ("b p m f d t n l g k h zh ch sh z c s", "a"),
    "o": ("b p m f", ""),
    "e": ("d t n l g k h zh ch sh r z c s", "e"),
    "ai": ("b p m d t n l g k h zh ch sh z c s", "ai"),
    "ei": ("b p m f d n l g h z", ""),
    "ao": ("b p m d t n l g k h zh ch sh r z c s", "ao"),
    "ou": ("p m f d t l g k h zh ch sh r z c s", "ou"),
    "an": (_ALL, "an"),
    "en": ("b p m f n g k h zh ch sh r z c s", "en"),
    "ang": (_ALL, "ang"),
    "eng": (_ALL, ""),
    "ong": ("d t n l g k h zh ch r z c s", ""),
    "-i": ("zh ch sh r z c s", ""),
    "i": ("b p m d t n l j q x", "yi"),
    "ia": ("l j q x", "ya"),
    "iao": ("b p m d t n l j q x", "yao"),
    "ie": ("b p m d t n l j q x", "ye"),
    "iu": ("m d n l j q x", "you"),
    "ian": ("b p m d t n l j q x", "yan"),
    "in": ("b p m n l j q x", "yin"),
    "iang": ("n l j q x", "yang"),
    "ing": ("b p m d t n l j q x", "ying"),
    "iong": ("j q x", "yong"),
    "u": (_ALL, "wu"),
    "ua": ("g k h zh sh", "wa"),
    "uo": ("d t n l g k h zh ch sh r z c s", "wo"),
    "uai": ("g k h zh ch sh", "wai"),
    "ui": ("d t g k h zh ch sh r z c s", "wei"),
    "uan": ("d t n l g k h zh ch sh r z c s", "wan"),
    "un": ("d t l g k h zh ch sh r z c s", "wen"),
    "uang": ("g k h zh ch sh", "wang"),
    "ü": ("n l j q x", "yu"),
    "üe": ("n l j q x", "yue"),
    "üan": ("j q x", "yuan"),
    "ün": ("j q x", "yun"),
}
_PALATALS = ("j", "q", "x")


class Syllable(NamedTuple):
    """Initial (may be empty), final (``-i`` is the apical vowel) and spelling of a syllable."""

    initial: str
    final: str
    spelling: str


def _syllables() -> list[Syllable]:
    found = []
    for final, (initials, alone) in _FINALS.items():
        if alone:
            found.append(Syllable("", final, alone))
        for initial in initials.split():
            spelled = final.replace("ü", "u") if initial in _PALATALS else final.lstrip("-")
            found.append(Syllable(initial, final, initial + spelled))
    return found


SYLLABLES = _syllables()


def random_syllables(rng: np.random.Generator) -> list[Syllable]:
    """Draw 5 to 17 syllables; every one is as likely as any other."""
    count = int(rng.integers(5, 18))
    return [SYLLABLES[int(index)] for index in rng.integers(len(SYLLABLES), size=count)]
