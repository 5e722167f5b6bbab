"""Phoneme times, and the mouth that they ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.sync.faces import Floats
from client.errors import InputError

OPENING: Final = {
    "sil": 0.0, "PB": 0.0, "M": 0.0, "FV": 0.08, "TH": 0.18, "TD": 0.16, "N": 0.18, "SZ": 0.12,
    "L": 0.25, "R": 0.2, "SH": 0.16, "KG": 0.22, "NG": 0.2, "H": 0.3, "W": 0.12, "J": 0.15,
    "i": 0.2, "I": 0.28, "e": 0.36, "E": 0.48, "ae": 0.65, "a": 0.8, "schwa": 0.36, "O": 0.58,
    "o": 0.42, "u": 0.18, "U": 0.25, "y": 0.15,
}  # fmt: skip
"""Expected opening of the lips, 0 (shut) to 1, of each phone class."""
BLEND_S: Final = 0.12
"""Neighbouring sounds blend into each other over about this time."""
STEP_S: Final = 0.005


@dataclass(frozen=True)
class Phoneme:
    """A sound of one phone class on the recording's clock."""

    name: str
    start_s: float
    end_s: float

    def core(self, begin: float, end: float) -> tuple[float, float]:
        """Return the times between two fractions of the sound."""
        length_s = self.end_s - self.start_s
        return self.start_s + begin * length_s, self.start_s + end * length_s


def load(path: Path) -> list[Phoneme]:
    """Read a phoneme file: ``{"phonemes": [{"class", "start_s", "end_s", ...}, ...]}``.

    Raises:
        InputError: The file is missing or says something else.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["phonemes"]
        phonemes = [Phoneme(row["class"], row["start_s"], row["end_s"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"Phoneme file {path} cannot be read ({error!r}); see tests/data/README.md."
        ) from error
    unknown = {phoneme.name for phoneme in phonemes} - OPENING.keys()
    if unknown or not phonemes:
        raise InputError(f"Phoneme file {path} has unknown or no classes: {sorted(unknown)}.")
    return phonemes


def shifted(phonemes: Sequence[Phoneme], shift_s: float) -> list[Phoneme]:
    """Return the phonemes ``shift_s`` later."""
    return [
        replace(phoneme, start_s=phoneme.start_s + shift_s, end_s=phoneme.end_s + shift_s)
        for phoneme in phonemes
    ]


def expected_opening(phonemes: Sequence[Phoneme], times_s: Floats) -> Floats:
    """Return the expected opening, 0..1, at the given times; shut outside the speech."""
    pad_s = BLEND_S
    grid_s = np.arange(phonemes[0].start_s - pad_s, phonemes[-1].end_s + pad_s, STEP_S)
    steps = np.zeros(len(grid_s))
    for phoneme in phonemes:
        steps[(grid_s >= phoneme.start_s) & (grid_s < phoneme.end_s)] = OPENING[phoneme.name]
    window = np.hanning(round(BLEND_S / STEP_S) + 1)
    smooth = np.convolve(steps, window / window.sum(), "same")
    return np.interp(times_s, grid_s, smooth, left=0.0, right=0.0)
