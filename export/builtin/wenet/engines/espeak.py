"""espeak-ng through its shared library, whose events time every phoneme."""

import ctypes
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from client.errors import InputError
from export.builtin.wenet.labels import close_stops
from export.builtin.wenet.phones import SILENCE, ipa_sounds
from export.builtin.wenet.pinyin import random_syllables
from export.builtin.wenet.resample import to_16_khz
from export.builtin.wenet.utterances import Segment, Utterance, spread

_LIBRARY = "libespeak-ng.so.1"
_SYNCHRONOUS = 2
_BUFFER_MS = 500
_PHONEME_EVENTS, _PHONEME_IPA, _DO_NOT_EXIT = 0x1, 0x2, 0x8000
_EVENT_END, _EVENT_PHONEME = 0, 7
_RATE_WPM, _PITCH, _PITCH_RANGE = 1, 3, 4
_CHARACTERS_UTF8 = 1

# Weights are in the repetitions: English most, then Mandarin, then one voice for each language.
_LANGUAGES = (
    "en-us en-us en-us en-us en-us en-us en-us en-us en-us en-us en-us en-us en en en en en "
    "en-gb-scotland en-gb-x-rp cmn-latn-pinyin cmn-latn-pinyin cmn-latn-pinyin cmn-latn-pinyin "
    "cmn-latn-pinyin de de fr fr es es-419 nl sv pl ru tr id ro da nb fi hu vi sw cs it pt pt-br "
    "et sk hr sl is eu eo sq ms mt gn ku sr ht"
)
_VARIANTS = (
    "f1 f2 f3 f4 m1 m2 m3 m4 m5 m6 Alex Alicia Andrea Andy Annie Denis Diogo Gene Hugo Jacky Lee "
    "Marco Mario Michael Mike anika aunty benjamin boris david ed edward gustave iven iven2 john "
    "klatt klatt2 klatt3 linda max miguel norbert pablo paul pedro quincy rob robert sandro shelby "
    "steph steph2 travis victor adam whisperf"
)
_HELD_OUT_VARIANTS = "f5 m7 m8 belinda michel klatt4 steph3 caleb Henrique grandpa zac"
_PLAIN_WEIGHT = 4  # of the voice itself, without a variant
_CHOICES = {
    "all": (_LANGUAGES.split(), [""] * _PLAIN_WEIGHT + _VARIANTS.split()),
    "mandarin": (["cmn-latn-pinyin"], [""] * _PLAIN_WEIGHT + _VARIANTS.split()),
    "english": (["en-us", "en"], _HELD_OUT_VARIANTS.split()),
    "pinyin": (["cmn-latn-pinyin"], _HELD_OUT_VARIANTS.split()),
}


class _EventId(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """One espeak-ng library; there can be one in a process."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            raise InputError(
                f"espeak-ng's library {_LIBRARY} is missing; install the package libespeak-ng1."
            ) from error
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DO_NOT_EXIT
        self.sample_rate_hz: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, None, options
        )
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)
        self._chunks: list[NDArray[np.int16]] = []
        self._phonemes: list[tuple[float, str]] = []

    def say(
        self, text: str, voice: str, rate_wpm: int, pitch: int, pitch_range: int
    ) -> tuple[NDArray[np.int16], list[tuple[float, str]]]:
        """Speak a text.

        Returns:
            Samples [n] int16 at `sample_rate_hz`, and (start in seconds, IPA) of each phoneme.

        Raises:
            InputError: the voice does not exist.
        """
        self._chunks, self._phonemes = [np.zeros(0, np.int16)], []
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise InputError(f"espeak-ng has no voice {voice}; see `espeak-ng --voices`.")
        for parameter, value in (
            (_RATE_WPM, rate_wpm),
            (_PITCH, pitch),
            (_PITCH_RANGE, pitch_range),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        raw = text.encode() + b"\0"
        self._library.espeak_Synth(raw, len(raw), 0, 1, 0, _CHARACTERS_UTF8, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate(self._chunks), self._phonemes

    def _receive(
        self,
        samples: "ctypes._Pointer[ctypes.c_short]",
        count: int,
        events: "ctypes._Pointer[_Event]",
    ) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_END:
            event = events[index]
            if event.type == _EVENT_PHONEME:
                name = ctypes.string_at(ctypes.addressof(event.id), 8).split(b"\0")[0]
                self._phonemes.append(
                    (event.audio_position_ms / 1000, name.decode("utf-8", "ignore"))
                )
            index += 1
        return 0


def utterances(voice: str, texts: Iterator[str], rng: np.random.Generator) -> Iterator[Utterance]:
    """Speak texts in many languages and voice variants.

    Args:
        voice: ``all`` or ``mandarin`` (what is trained on), or ``english`` or ``pinyin`` in the
            held-out variants.
        texts: English sentences; pinyin voices get random syllables instead.
        rng: draws language, variant, rate and pitch.
    """
    espeak = Espeak()
    languages, variants = _CHOICES[voice]
    while True:
        language = str(rng.choice(languages))
        variant = str(rng.choice(variants))
        name = f"{language}+{variant}" if variant else language
        text = _pinyin(rng) if language.startswith("cmn") else next(texts)
        samples, phonemes = espeak.say(
            text,
            name,
            rate_wpm=int(rng.integers(110, 280)),
            pitch=int(rng.integers(10, 95)),
            pitch_range=int(rng.integers(20, 90)),
        )
        if phonemes and len(samples):
            yield _utterance(samples, phonemes, name, espeak.sample_rate_hz)


def _utterance(
    samples: NDArray[np.int16], phonemes: list[tuple[float, str]], voice: str, rate_hz: int
) -> Utterance:
    ends = [start_s for start_s, _ in phonemes[1:]] + [len(samples) / rate_hz]
    segments = [Segment(0.0, phonemes[0][0], SILENCE, False)]
    for (start_s, symbol), end_s in zip(phonemes, ends, strict=True):
        if end_s > start_s:
            segments += spread(start_s, end_s, ipa_sounds(symbol, voice)[:3])
    segments = close_stops(segments, samples, rate_hz)
    return Utterance(to_16_khz(samples, rate_hz), segments, voice)


def _pinyin(rng: np.random.Generator) -> str:
    """Spell random syllables with their tones; 5 is the neutral one."""
    syllables = random_syllables(rng)
    return " ".join(f"{syllable.spelling}{rng.integers(1, 6)}" for syllable in syllables)
