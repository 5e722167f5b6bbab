"""Make the training and test speech with every engine."""

import logging
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.errors import InputError
from export.builtin.wenet import utterances as store
from export.builtin.wenet.engines import chant, espeak, festival, flite
from export.builtin.wenet.text import sentences
from export.builtin.wenet.utterances import SAMPLE_RATE_HZ, Utterance

logger = logging.getLogger(__name__)

_ENGINES = {
    "espeak": espeak.utterances,
    "festival": festival.utterances,
    "chant": chant.utterances,
    "flite": flite.utterances,
}
_SPAWN = multiprocessing.get_context("spawn")  # a fork of a threaded process is not safe
_ATTEMPTS = 3
_MAX_WORDS = 16
_SHUFFLED_SHARE = 0.15  # sentences in random word order, against learning the words
_MIN_UTTERANCE_S = 0.6
_MAX_UTTERANCE_S = 9.0
_MIN_PEAK = 200


@dataclass(frozen=True)
class Batch:
    """One file of speech to make."""

    engine: str
    voice: str
    minutes: float
    seed: int = 0
    test: bool = False

    @property
    def path(self) -> Path:
        """Where it goes, under the corpus folder."""
        split = "test" if self.test else "train"
        return Path(split) / f"{self.engine}-{self.voice}-{self.seed}.npz"


def plan() -> list[Batch]:
    """List what the corpus is made of: 20 hours to learn from and half an hour to test on."""
    train = [Batch("espeak", "all", 30, seed) for seed in range(1, 13)]
    train += [Batch("espeak", "mandarin", 30, seed) for seed in range(1, 4)]
    train += [Batch("festival", voice, _FESTIVAL_MINUTES[voice]) for voice in festival.TABLES]
    train += [Batch("chant", voice, 15) for voice in chant.SPELLINGS]
    train += [Batch("flite", voice, 40) for voice in flite.VOICES]
    test = [Batch("flite", voice, 4, test=True) for voice in flite.VOICES]
    test += [Batch("espeak", voice, 4, test=True) for voice in ("english", "pinyin")]
    test += [
        Batch("festival", voice, 3, test=True)
        for voice in ("cmu_us_slt_arctic_hts", "msu_ru_nsh_clunits", "czech_ph")
    ]
    return test + train


_FESTIVAL_MINUTES = {
    "kal_diphone": 60,
    "ked_diphone": 60,
    "cmu_us_slt_arctic_hts": 60,
    "msu_ru_nsh_clunits": 50,
    "lp_diphone": 30,
    "pc_diphone": 30,
    "hy_fi_mv_diphone": 30,
    "suo_fi_lj_diphone": 30,
    "upc_ca_ona_hts": 30,
    "czech_dita": 20,
    "czech_krb": 20,
    "czech_machac": 20,
    "czech_ph": 20,
}


def synthesise(folder: Path) -> None:
    """Write every batch of the plan under a folder; batches that are there already stay.

    Each batch runs in a process of its own, as many at once as there are processors, because
    espeak-ng's library crashes on a rare text; a batch that fails is tried again with other texts,
    and left out in the end.

    Raises:
        InputError: no batch could be made.
    """
    train, test = sentences()
    logger.info("%d sentences to train on, %d to test on", len(train), len(test))
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for batch in plan():
            workers.submit(_attempt, batch, folder, test if batch.test else train)
    if not any(folder.glob("train/*.npz")):
        raise InputError(f"No speech could be made in {folder}; install the engines first.")


def _attempt(batch: Batch, folder: Path, texts: list[str]) -> None:
    for attempt in range(_ATTEMPTS):
        if not (folder / batch.path).exists():
            _run_apart(batch, folder, texts, attempt)


def _run_apart(batch: Batch, folder: Path, texts: list[str], attempt: int) -> None:
    process = _SPAWN.Process(target=_make, args=(batch, folder, texts, attempt))
    process.start()
    process.join()
    if process.exitcode:
        logger.warning("%s failed (exit code %d)", batch.path, process.exitcode)


def _make(batch: Batch, folder: Path, texts: list[str], attempt: int) -> None:
    rng = np.random.default_rng([attempt, *batch.path.as_posix().encode()])
    spoken = _ENGINES[batch.engine](batch.voice, _texts(texts, rng), rng)
    kept: list[Utterance] = []
    total_s = 0.0
    while total_s < batch.minutes * 60:
        utterance = _trim(next(spoken))
        if utterance:
            kept.append(utterance)
            total_s += utterance.duration_s
    store.save(folder / batch.path, kept)
    logger.info("%s: %d utterances, %.0f s", batch.path, len(kept), total_s)


def _texts(texts: list[str], rng: np.random.Generator) -> Iterator[str]:
    while True:
        words = str(texts[int(rng.integers(len(texts)))]).split()
        if rng.random() < _SHUFFLED_SHARE:
            words = [words[index] for index in rng.permutation(len(words))]
        yield " ".join(words[:_MAX_WORDS])


def _trim(utterance: Utterance) -> Utterance | None:
    samples = utterance.samples[: int(_MAX_UTTERANCE_S * SAMPLE_RATE_HZ)]
    if len(samples) < _MIN_UTTERANCE_S * SAMPLE_RATE_HZ or np.abs(samples).max() < _MIN_PEAK:
        return None
    return Utterance(samples, utterance.segments, utterance.voice)
