"""A part of a recording, as a WAV that is gone when nobody needs it any more."""

import wave
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from client.errors import OutputError
from orchestrator.media.speech import Samples, read_speech
from orchestrator.media.unfinished import start_file

_RATE = 48_000
_PEAK = 32_767


@contextmanager
def excerpt(recording: Path, start_s: Fraction, duration_s: Fraction) -> Iterator[Path]:
    """Cuts a part out of a recording.

    Args:
        recording: A recording, or a video with sound.
        start_s: Where the part begins.
        duration_s: Its length; silence fills what the recording does not have.

    Yields:
        A WAV of 48 kHz, mono, which is there while the block runs.

    Raises:
        InputError: If there is no such recording.
        MediaError: If it cannot be decoded.
        OutputError: If the temporary folder takes no file.
    """
    first, count = round(start_s * _RATE), max(1, round(duration_s * _RATE))
    file = start_file(Path(gettempdir()))
    try:
        _write(file.path, _part(read_speech(recording, _RATE), first, count))
        yield file.path
    finally:
        file.discard()


def _part(blocks: Iterable[Samples], first: int, count: int) -> Iterator[Samples]:
    """Exactly `count` samples from a place on."""
    passed_over, missing = first, count
    for block in blocks:
        part = block[passed_over:][:missing]
        passed_over = max(0, passed_over - len(block))
        missing -= len(part)
        yield part
        if not missing:
            return
    yield np.zeros(missing, np.float32)


def _write(path: Path, blocks: Iterable[Samples]) -> None:
    try:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(_RATE)
            for block in blocks:
                file.writeframes(np.rint(block * _PEAK).astype("<i2").tobytes())
    except OSError as error:
        raise OutputError(
            f"Sound cannot be kept in {gettempdir()} ({error.strerror}): make room there, or set "
            "TMPDIR to a folder elsewhere."
        ) from error
