"""The sound of a recording or video, streamed."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from client.errors import MediaError
from orchestrator.media.opening import audio_stream, decoding, open_input

Samples = NDArray[np.float32]


def read_speech(path: Path, sample_rate: int = 16000, block: int = 16000) -> Iterator[Samples]:
    """Decodes the sound of a recording or video.

    Args:
        path: The file.
        sample_rate: Of the result, in Hz.
        block: Samples per array.

    Yields:
        float32 [block] in -1..1, the mean of the channels; the last one is shorter.

    Raises:
        InputError: If there is no such file, or nothing in it.
        MediaError: If it has no sound or cannot be decoded.
    """
    resampler = AudioResampler(format="fltp", rate=sample_rate)
    waiting = np.empty(0, np.float32)
    for frame in _resampled(decode_sound(path), resampler):
        waiting = np.concatenate([waiting, _mono(frame)])
        while len(waiting) >= block:
            yield waiting[:block].copy()
            waiting = waiting[block:]
    if len(waiting):
        yield waiting


def decode_sound(path: Path) -> Iterator[AudioFrame]:
    """Decodes the first sound stream of a file.

    Raises:
        InputError: If there is no such file, or nothing in it.
        MediaError: If it has no sound or cannot be decoded.
    """
    with open_input(path) as container, decoding(path):
        stream = audio_stream(container, path)
        shape = (stream.sample_rate, stream.channels)
        for packet in container.demux(stream):
            for frame in stream.decode(packet) if packet.size else ():
                if (frame.sample_rate, len(frame.layout.channels)) != shape:
                    raise MediaError(f"{path} changes its sound format: convert it, say to WAV.")
                yield frame
        yield from stream.decode(None)


def _resampled(frames: Iterable[AudioFrame], resampler: AudioResampler) -> Iterator[AudioFrame]:
    for frame in frames:
        yield from resampler.resample(frame)
    # A resampler with nothing to do answers the end with None.
    yield from filter(None, resampler.resample(None))


def _mono(frame: AudioFrame) -> Samples:
    mono: Samples = frame.to_ndarray().mean(axis=0, dtype=np.float32)
    return np.clip(mono, -1.0, 1.0)
