"""When people say what: forced alignment by PocketSphinx, whose model heard real speech."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.errors import InputError
from export.builtin.wenet.phones import US_ENGLISH
from export.builtin.wenet.utterances import Segment, segments_from_ends

FRAME_S = 0.01


def align(samples: NDArray[np.int16], transcript: str) -> list[Segment]:
    """Times the sounds of an English sentence in a recording of it, mono at 16 kHz.

    Raises:
        InputError: If PocketSphinx is missing, or does not find the words.
    """
    decoder = _decoder()
    words = " ".join(re.findall(r"[a-z']+", transcript.lower()))
    try:
        decoder.set_align_text(words)
        _decode(decoder, samples)
        decoder.set_alignment()
        _decode(decoder, samples)
        found = [phone for word in decoder.get_alignment() for phone in word]
    except RuntimeError as error:
        raise InputError(f"PocketSphinx cannot align {words!r}: {error}.") from error
    silence = US_ENGLISH["pau"]
    return segments_from_ends(
        (
            US_ENGLISH.get(phone.name.lower().strip("+"), silence),
            (phone.start + phone.duration) * FRAME_S,
        )
        for phone in found
    )


def _decoder() -> Any:
    """Makes a decoder whose beams are wide: with the default ones the search ends early."""
    try:
        from pocketsphinx import Decoder, get_model_path
    except ImportError as error:
        raise InputError("Recordings of people need the package pocketsphinx.") from error
    models = get_model_path("en-us")
    return Decoder(
        hmm=f"{models}/en-us",
        dict=f"{models}/cmudict-en-us.dict",
        lm=None,
        loglevel="FATAL",
        bestpath=False,
        beam=1e-100,
        wbeam=1e-100,
        pbeam=1e-100,
        lw=1.0,
    )


def _decode(decoder: Any, samples: NDArray[np.int16]) -> None:
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()
