"""Make the training and test speech with every engine."""

import logging
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.errors import InputError
from export.builtin.wenet import utterances as store
from export.builtin.wenet.engines import espeak, festival, flite
from export.builtin.wenet.text import sentences
from export.builtin.wenet.utterances import SAMPLE_RATE_HZ, Utterance

logger = logging.getLogger(__name__)

_ENGINES = {
    "espeak": espeak.utterances,
    "festival": festival.utterances,
    "flite": flite.utterances,
}
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
    """List what the corpus is made of: 8.5 hours to learn from and half an hour to test on.

    Flite's rms and awb are never trained on: new speakers of a new engine. Its slt and kal16
    are the speakers of two Festival voices, so they test neither.
    """
    train = [Batch("espeak", "all", 15, seed) for seed in range(1, 13)]
    train += [Batch("festival", voice, _FESTIVAL_MINUTES[voice]) for voice in festival.TABLES]
    train += [Batch("flite", voice, 30) for voice in ("slt", "kal16")]
    test = [Batch("flite", voice, 4, test=True) for voice in ("rms", "awb", "slt")]
    test += [Batch("espeak", voice, 4, test=True) for voice in ("english", "pinyin")]
    test += [
        Batch("festival", voice, 3, test=True)
        for voice in ("cmu_us_slt_arctic_hts", "msu_ru_nsh_clunits", "czech_ph")
    ]
    return test + train


_FESTIVAL_MINUTES = {
    "kal_diphone": 34,
    "ked_diphone": 34,
    "cmu_us_slt_arctic_hts": 45,
    "msu_ru_nsh_clunits": 40,
    "lp_diphone": 15,
    "pc_diphone": 15,
    "hy_fi_mv_diphone": 15,
    "suo_fi_lj_diphone": 15,
    "upc_ca_ona_hts": 15,
    "czech_dita": 10,
    "czech_krb": 10,
    "czech_machac": 10,
    "czech_ph": 10,
}


def synthesise(folder: Path) -> None:
    """Write every batch of the plan under a folder; batches that are there already stay.

    Each batch runs in a process of its own, because espeak-ng's library crashes on a rare text;
    a batch that fails is tried again with other texts, and left out in the end.

    Raises:
        InputError: no batch could be made.
    """
    train, test = sentences()
    logger.info("%d sentences to train on, %d to test on", len(train), len(test))
    for batch in plan():
        texts = test if batch.test else train
        for attempt in range(_ATTEMPTS):
            if not (folder / batch.path).exists():
                _run_apart(batch, folder, texts, attempt)
    if not any(folder.glob("train/*.npz")):
        raise InputError(f"No speech could be made in {folder}; install the engines first.")


def _run_apart(batch: Batch, folder: Path, texts: list[str], attempt: int) -> None:
    process = multiprocessing.Process(target=_make, args=(batch, folder, texts, attempt))
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
    path = folder / batch.path
    path.parent.mkdir(parents=True, exist_ok=True)
    store.save(path, kept)
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
