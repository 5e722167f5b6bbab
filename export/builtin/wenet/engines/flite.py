"""Flite, whose ``-psdur`` option prints the end of every phone."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io.wavfile

from client.errors import InputError
from export.builtin.wenet.phones import US_ENGLISH
from export.builtin.wenet.resample import to_16_khz
from export.builtin.wenet.utterances import Utterance, segments_from_ends

VOICES = ("slt", "rms", "awb", "kal16")


def utterances(voice: str, texts: Iterator[str], rng: np.random.Generator) -> Iterator[Utterance]:
    """Speak texts with one of `VOICES` at varied pace and pitch."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        for text in texts:
            yield _say(voice, text, _settings(rng), path)


def _settings(rng: np.random.Generator) -> list[str]:
    settings = ["--setf", f"duration_stretch={rng.uniform(0.75, 1.3):.2f}"]
    if rng.random() < 0.6:
        settings += ["--setf", f"int_f0_target_mean={rng.integers(80, 220)}"]
    return settings


def _say(voice: str, text: str, settings: list[str], path: Path) -> Utterance:
    command = ["flite", "-voice", voice, *settings, "-t", text, "-psdur", "-o", str(path)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(
            f"Flite could not speak with voice {voice}; install the package flite."
        ) from error
    pairs = (item.rsplit(":", 1) for item in run.stdout.split())
    segments = segments_from_ends((US_ENGLISH[symbol], float(end)) for symbol, end in pairs)
    rate_hz, samples = scipy.io.wavfile.read(path)
    return Utterance(to_16_khz(samples, rate_hz), segments, f"flite-{voice}")
