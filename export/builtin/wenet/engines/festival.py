"""Festival and its recorded voices, driven by a generated Scheme program."""

import subprocess
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import scipy.io.wavfile

from client.errors import InputError
from export.builtin.wenet import phones
from export.builtin.wenet.resample import to_16_khz
from export.builtin.wenet.utterances import Segment, Utterance, segments_from_ends

TABLES: dict[str, phones.SymbolTable] = {
    "kal_diphone": phones.US_ENGLISH,
    "ked_diphone": phones.US_ENGLISH,
    "cmu_us_slt_arctic_hts": phones.US_ENGLISH,
    "lp_diphone": phones.ITALIAN,
    "pc_diphone": phones.ITALIAN,
    "czech_dita": phones.CZECH,
    "czech_krb": phones.CZECH,
    "czech_machac": phones.CZECH,
    "czech_ph": phones.CZECH,
    "hy_fi_mv_diphone": phones.FINNISH,
    "suo_fi_lj_diphone": phones.FINNISH,
    "msu_ru_nsh_clunits": phones.RUSSIAN,
    "upc_ca_ona_hts": phones.CATALAN,
}

_BATCH = 60
_MARK = "@@"
# The labels of this unit-selection voice come this much after the sound.
_LABEL_LAG_S = {"msu_ru_nsh_clunits": 0.020}
_INTONATION = ("kal_diphone", "ked_diphone")  # the voices whose pitch can be set


def utterances(voice: str, texts: Iterator[str], rng: np.random.Generator) -> Iterator[Utterance]:
    """Speak texts with one Festival voice; a foreign voice reads English by its own rules.

    Args:
        voice: a name in `TABLES`.
        texts: sentences.
        rng: draws pace and pitch.

    Raises:
        InputError: Festival or the voice is missing.
    """
    while True:
        with tempfile.TemporaryDirectory() as folder:
            spoken = 0
            for utterance in _speak_batch(voice, list(islice(texts, _BATCH)), rng, Path(folder)):
                spoken += 1
                yield utterance
        if not spoken:
            raise InputError(
                f"Festival spoke nothing with voice {voice}; install festival and its package."
            )


def _speak_batch(
    voice: str, texts: list[str], rng: np.random.Generator, folder: Path
) -> Iterator[Utterance]:
    program = folder / "speak.scm"
    program.write_text(_program(voice, texts, rng, folder), encoding="utf-8")
    command = ["festival", "-b", str(program)]
    try:
        run = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="ignore", check=False
        )
    except OSError as error:
        raise InputError("Festival could not be started; install festival.") from error
    for line in run.stdout.splitlines():
        if line.startswith(_MARK):
            yield from _read(voice, line.split()[1:], folder)


def _program(voice: str, texts: list[str], rng: np.random.Generator, folder: Path) -> str:
    intonation = (
        "(set! int_lr_params (list (list 'target_f0_mean pitch) (list 'target_f0_std 16)"
        " (list 'model_f0_mean 170) (list 'model_f0_std 34)))"
        if voice in _INTONATION
        else ""
    )
    lines = [
        f"(voice_{voice})",
        "(define (speak index stretch pitch text)"
        f" (Parameter.set 'Duration_Stretch stretch) {intonation}"
        " (let ((utt (utt.synth (eval (list 'Utterance 'Text text)))))"
        f' (utt.save.wave utt (string-append "{folder}/" index ".wav") \'riff)'
        f' (format t "{_MARK} %s" index)'
        ' (mapcar (lambda (s) (format t " %s|%f" (item.name s) (item.feat s "end")))'
        ' (utt.relation.items utt \'Segment)) (format t "\\n")))',
    ]
    for index, text in enumerate(texts):
        stretch, pitch = rng.uniform(0.75, 1.3), rng.integers(80, 200)
        safe = text.replace('"', "")
        lines.append(
            f'(unwind-protect (speak "{index}" {stretch:.2f} {pitch} "{safe}") (format t "\\n"))'
        )
    return "\n".join(lines)


def _read(voice: str, fields: list[str], folder: Path) -> Iterator[Utterance]:
    table = TABLES[voice]
    pairs = [field.rsplit("|", 1) for field in fields[1:]]
    if any(symbol not in table for symbol, _ in pairs):
        return
    segments = segments_from_ends((table[symbol], float(end)) for symbol, end in pairs)
    rate_hz, samples = scipy.io.wavfile.read(folder / f"{fields[0]}.wav")
    lag_s = _LABEL_LAG_S.get(voice, 0.0)
    yield Utterance(to_16_khz(samples, rate_hz), _advance(segments, lag_s), f"festival-{voice}")


def _advance(segments: list[Segment], lag_s: float) -> list[Segment]:
    return [
        segment._replace(
            start_s=max(0.0, segment.start_s - lag_s), end_s=max(0.0, segment.end_s - lag_s)
        )
        for segment in segments
    ]
