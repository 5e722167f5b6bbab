"""Recordings of real words in any codec, container, rate and number of channels."""

import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from numpy.typing import NDArray

from tests.cases.source import Source

SPEECH = Path(__file__).parents[1] / "data" / "speech.wav"
SPOKEN_S = Fraction(56, 100)
_FIRST_WORD_S = 0.25


@dataclass(frozen=True, eq=False)
class Recording(Source):
    """A stretch of speech.

    Attributes:
        name: File name.
        length_s: Seconds; exact where the codec is.
        rate: Samples per second.
        codec: FFmpeg's encoder.
        layout: FFmpeg's name of the channels; each of them says the same.
        gain: 0 makes silence.
        options: Of the encoder.
        container: Options of the container.
    """

    name: str = "speech.wav"
    length_s: Fraction = SPOKEN_S
    rate: int = 22050
    codec: str = "pcm_s16le"
    layout: str = "mono"
    gain: float = 1.0
    options: Mapping[str, str] = field(default_factory=dict)
    container: Mapping[str, str] = field(default_factory=dict)

    def make(self, path: Path) -> None:
        with av.open(f"file:{path}", "w", container_options=dict(self.container)) as container:
            for packet in add_sound(container, self):
                container.mux_one(packet)


def add_sound(container: OutputContainer, recording: Recording) -> Iterator[Packet]:
    """Adds a sound stream; gives its packets, which may be asked for later."""
    added = container.add_stream(recording.codec, recording.rate, options=dict(recording.options))
    stream = cast("AudioStream", added)
    stream.layout = recording.layout
    return _packets(stream, recording)


def _packets(stream: AudioStream, recording: Recording) -> Iterator[Packet]:
    mono = _speech(recording.rate)[: round(recording.length_s * recording.rate)] * recording.gain
    samples = np.repeat(mono.astype(np.float32), len(stream.layout.channels))[None]
    if samples.size:
        frame = av.AudioFrame.from_ndarray(samples, "flt", recording.layout)
        frame.sample_rate, frame.pts = recording.rate, 0
        frame.time_base = Fraction(1, recording.rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)


@cache
def _speech(rate: int) -> NDArray[np.float32]:
    """The sample recording from its first word on, float32 [samples]."""
    with wave.open(str(SPEECH)) as file:
        own_rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    heard = samples[int(_FIRST_WORD_S * own_rate) :].astype(np.float32) / 32768
    frame = av.AudioFrame.from_ndarray(heard[None], "fltp", "mono")
    frame.sample_rate = own_rate
    resampler = AudioResampler(format="fltp", layout="mono", rate=rate)
    frames = [*resampler.resample(frame), *filter(None, resampler.resample(None))]
    return np.concatenate([part.to_ndarray()[0] for part in frames]).astype(np.float32)
