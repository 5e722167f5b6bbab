"""Recordings of people, and what is said in them."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.speech.encoder import SAMPLE_RATE_HZ
from client.errors import InputError


class Sentence(NamedTuple):
    """What is said: English in words, or Mandarin in pinyin with the tones as digits."""

    file: str
    english: str = ""
    pinyin: str = ""


SENTENCES: Final = (
    Sentence(
        "a08_librispeech_1995-1837-0001.wav",
        english=(
            "it was the first great sorrow of his life it was not so much the loss of the cotton "
            "itself but the fantasy the hopes the dreams built around it"
        ),
    ),
    Sentence(
        "a02_latentsync_demo1_16k_mono.wav",
        english=(
            "are you a broke be like me that loves to gamble but doesn't have as many then you "
            "have to download cash bash this like game has a super high payout"
        ),
    ),
    Sentence(
        "a09_aishell_BAC009S0724W0121.wav",
        pinyin="guang3 zhou1 shi4 fang2 di4 chan3 zhong1 jie4 xie2 hui4 fen1 xi1",
    ),
)
"""The second English one is what PocketSphinx itself understood: nearly, not wholly, right."""


def recordings(folder: Path) -> Iterator[tuple[Sentence, NDArray[np.int16]]]:
    """Reads those of the sentences that a folder has recordings of."""
    for sentence in SENTENCES:
        if (folder / sentence.file).exists():
            yield sentence, read(folder / sentence.file)


def read(path: Path) -> NDArray[np.int16]:
    """Reads a WAV file, mono at 16 kHz.

    Raises:
        InputError: If it is something else.
    """
    with wave.open(str(path)) as file:
        form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
        if form != (SAMPLE_RATE_HZ, 1, 2):
            raise InputError(f"{path} is not mono speech of 16 bits at 16 kHz.")
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)
