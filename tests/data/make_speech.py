"""Make speech.wav and speech.json: synthesised speech whose phoneme times are known.

Needs Festival with the CMU SLT voice (Debian packages ``festival`` and ``festvox-us-slt-hts``):
    python tests/data/make_speech.py
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import wave
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

FOLDER: Final = Path(__file__).parent
VOICE: Final = "cmu_us_slt_arctic_hts"
SAMPLE_RATE: Final = 22050
PEAK: Final = 0.7
DURATION_STRETCH: Final = 1.05
PHRASES: Final = (
    "Hello!",
    "My mama bought a big purple umbrella.",
    "Every Friday, five happy farmers stop by the bay.",
    "Wow!",
)
CLASSES: Final = {
    "PB": "b p", "M": "m", "FV": "f v", "TH": "th dh", "TD": "t d", "N": "n", "SZ": "s z",
    "L": "l", "R": "r", "SH": "sh zh", "KG": "k g", "NG": "ng", "H": "hh", "W": "w", "J": "y",
    "i": "iy", "I": "ih", "E": "eh", "ae": "ae", "a": "aa ah", "schwa": "ax er", "O": "ao",
    "u": "uw", "U": "uh", "sil": "pau",
}  # fmt: skip
"""Phone class -> the voice's phonemes."""
GLIDES: Final = {
    "ay": ("a", "I"), "aw": ("a", "U"), "oy": ("O", "I"), "ey": ("e", "I"), "ow": ("o", "U"),
    "ch": ("TD", "SH"), "jh": ("TD", "SH"),
}  # fmt: skip
"""Phonemes of two parts: each half has its own class."""


@dataclass(frozen=True)
class Phoneme:
    """One phoneme, or one half of a diphthong or affricate, on the recording's clock."""

    phoneme: str
    start_s: float
    end_s: float
    class_: str


def class_names(phoneme: str) -> tuple[str, ...]:
    """Return the phone class of each part of a phoneme."""
    if phoneme in GLIDES:
        return GLIDES[phoneme]
    return tuple(name for name, members in CLASSES.items() if phoneme in members.split())


def script(text: str, folder: Path) -> str:
    """Return the Festival program that writes ``phrase.wav`` and ``phrase.lab`` into a folder."""
    return f"""
(voice_{VOICE})
(Parameter.set 'Duration_Stretch {DURATION_STRETCH})
(set! phrase (SynthText "{text}"))
(utt.save.segs phrase "{folder / "phrase.lab"}")
(utt.wave.resample phrase {SAMPLE_RATE})
(utt.save.wave phrase "{folder / "phrase.wav"}" 'riff)
"""


def speak(text: str) -> tuple[npt.NDArray[np.int16], list[tuple[str, float]]]:
    """Return the samples of a phrase and its phonemes with their end times in seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "phrase.scm"
        program.write_text(script(text, folder), encoding="utf-8")
        subprocess.run(["festival", "--batch", str(program)], check=True)
        with wave.open(str(folder / "phrase.wav")) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        rows = (folder / "phrase.lab").read_text(encoding="utf-8").splitlines()[1:]
    return samples, [(row.split()[2], float(row.split()[0])) for row in rows]


def label(ends: list[tuple[str, float]], start_s: float) -> list[Phoneme]:
    """Return the phonemes of a phrase that begins at ``start_s``, two-part ones in halves."""
    phonemes, begin_s = [], 0.0
    for phoneme, end_s in ends:
        names = class_names(phoneme)
        times = np.linspace(begin_s, end_s, len(names) + 1) + start_s
        phonemes += [
            Phoneme(phoneme, round(float(a), 4), round(float(b), 4), name)
            for name, a, b in zip(names, times[:-1], times[1:], strict=True)
        ]
        begin_s = end_s
    return phonemes


def merge(phonemes: list[Phoneme]) -> list[Phoneme]:
    """Return the list with neighbouring silences joined into one pause."""
    merged: list[Phoneme] = []
    for item in phonemes:
        if merged and item.class_ == merged[-1].class_ == "sil":
            item = Phoneme("pau", merged.pop().start_s, item.end_s, "sil")
        merged.append(item)
    return merged


def record() -> tuple[npt.NDArray[np.int16], list[Phoneme]]:
    """Speak every phrase, one after the other, and bring the loudest sample to ``PEAK``."""
    waves: list[npt.NDArray[np.int16]] = []
    phonemes: list[Phoneme] = []
    for text in PHRASES:
        samples, ends = speak(text)
        phonemes += label(ends, sum(map(len, waves)) / SAMPLE_RATE)
        waves.append(samples)
    speech = np.concatenate(waves).astype(np.float64)
    scaled = np.rint(speech * (PEAK * 32767 / np.abs(speech).max())).astype("<i2")
    return scaled, merge(phonemes)


def write_labels(phonemes: list[Phoneme]) -> None:
    """Write speech.json, one phoneme to a line."""
    rows = [
        json.dumps({name.rstrip("_"): value for name, value in asdict(item).items()})
        for item in phonemes
    ]
    head = json.dumps({"audio": "speech.wav", "voice": VOICE, "text": " ".join(PHRASES)})
    body = ",\n  ".join(rows)
    text = f'{head[:-1]}, "phonemes": [\n  {body}\n]}}\n'
    (FOLDER / "speech.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Write both files beside this script."""
    samples, phonemes = record()
    with wave.open(str(FOLDER / "speech.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
    write_labels(phonemes)


if __name__ == "__main__":
    main()
