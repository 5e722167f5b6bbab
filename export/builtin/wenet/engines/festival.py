"""Festival and its recorded voices, driven by a generated Scheme program."""

import subprocess
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

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

BATCH = 60
_MARK = "@@"
# The labels of this unit-selection voice come this much after the sound.
_LABEL_LAG_S = {"msu_ru_nsh_clunits": 0.020}
_INTONATION = ("kal_diphone", "ked_diphone")  # the voices whose pitch can be set


class Speech(NamedTuple):
    """What Festival is to say: a Scheme form that makes an utterance, its pace and its pitch."""

    form: str
    stretch: float = 1.0
    pitch_hz: int = 120


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
        yield from speak(voice, [_reading(text, rng) for text in islice(texts, BATCH)])


def _reading(text: str, rng: np.random.Generator) -> Speech:
    safe = text.replace('"', "")
    form = f"(list 'Utterance 'Text \"{safe}\")"
    return Speech(form, float(rng.uniform(0.75, 1.3)), int(rng.integers(80, 200)))


def speak(voice: str, speeches: list[Speech]) -> Iterator[Utterance]:
    """Speak a batch with one voice; what Festival fails on is left out.

    Args:
        voice: a name in `TABLES`.
        speeches: what to say.

    Raises:
        InputError: Festival or the voice is missing.
    """
    spoken = 0
    with tempfile.TemporaryDirectory() as folder:
        for line in _run(_program(voice, speeches, Path(folder)), Path(folder)):
            if line.startswith(_MARK):
                for utterance in _read(voice, line.split()[1:], Path(folder)):
                    spoken += 1
                    yield utterance
    if not spoken:
        raise InputError(
            f"Festival spoke nothing with voice {voice}; install festival and its package."
        )


def _run(program: str, folder: Path) -> list[str]:
    path = folder / "speak.scm"
    path.write_text(program, encoding="utf-8")
    command = ["festival", "-b", str(path)]
    try:
        run = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="ignore", check=False
        )
    except OSError as error:
        raise InputError("Festival could not be started; install festival.") from error
    return run.stdout.splitlines()


def _program(voice: str, speeches: list[Speech], folder: Path) -> str:
    intonation = (
        "(set! int_lr_params (list (list 'target_f0_mean pitch) (list 'target_f0_std 16)"
        " (list 'model_f0_mean 170) (list 'model_f0_std 34)))"
        if voice in _INTONATION
        else ""
    )
    lines = [
        f"(voice_{voice})",
        "(define (speak index stretch pitch form)"
        f" (Parameter.set 'Duration_Stretch stretch) {intonation}"
        " (let ((utt (utt.synth (eval form))))"
        f' (utt.save.wave utt (string-append "{folder}/" index ".wav") \'riff)'
        f' (format t "{_MARK} %s" index)'
        ' (mapcar (lambda (s) (format t " %s|%f" (item.name s) (item.feat s "end")))'
        ' (utt.relation.items utt \'Segment)) (format t "\\n")))',
    ]
    lines += [
        f'(unwind-protect (speak "{index}" {stretch:.2f} {pitch_hz} {form}) (format t "\\n"))'
        for index, (form, stretch, pitch_hz) in enumerate(speeches)
    ]
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
