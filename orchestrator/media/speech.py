"""The sound of a recording or video, streamed."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from client.errors import InputError, MediaError
from orchestrator.media.continuity import continuous, part
from orchestrator.media.opening import (
    audio_stream,
    clock_may_jump,
    decoding,
    open_input,
    sound_packets,
)
from orchestrator.media.timeline import packet_end

Samples = NDArray[np.float32]

_MANY = 8  # channels: of so many planes PyAV reads one more, and crashes
_CANCELLED = 0.01  # of a channel's power
_FRONT = ("FL", "FR", "FC")  # voices of films are in the centre; effects are behind


def read_speech(path: Path, sample_rate: int = 16000, block: int = 16000) -> Iterator[Samples]:
    """Decodes the sound of a recording or video.

    Args:
        path: The file.
        sample_rate: Of the result, in Hz.
        block: Samples per array.

    Yields:
        float32 [block] in -1..1, the mean of the channels, or of the front ones and the centre
        where there are more than two; where channels cancel each other, the loudest. The last
        array is shorter. Samples keep the clock of `decode_sound`.

    Raises:
        InputError: If there is no such file, or no sample in it.
        MediaError: If it has no sound or cannot be decoded.
    """
    resampler = AudioResampler(format="flt", rate=sample_rate)
    waiting, heard = np.empty(0, np.float32), False
    for frame in _resampled(decode_sound(path), resampler):
        waiting, heard = np.concatenate([waiting, _mono(frame)]), True
        while len(waiting) >= block:
            yield waiting[:block].copy()
            waiting = waiting[block:]
    if not heard:
        raise InputError(f"{path} has sound of no length: record it again.")
    if len(waiting):
        yield waiting


def decode_sound(path: Path) -> Iterator[AudioFrame]:
    """Decodes the first sound stream of a file.

    Time 0 of a recording is its first heard sample, whenever that is due in the file. From there on
    samples keep the file's time: where it has a hole there is silence.

    Yields:
        Frames of one format that follow each other; the timestamp of each is the number of its
        first sample.

    Raises:
        InputError: If there is no such file, or nothing in it.
        MediaError: If it has no sound or cannot be decoded.
    """
    with open_input(path) as container, decoding(path):
        stream = audio_stream(container, path)
        decoded = _decoded(container, stream, path)
        yield from continuous(decoded, clock_may_jump=clock_may_jump(container))


def _decoded(container: InputContainer, stream: AudioStream, path: Path) -> Iterator[AudioFrame]:
    shape = (stream.sample_rate, stream.channels)
    packing = AudioResampler(format=stream.format.packed)
    last, end = None, None
    for packet in chain(sound_packets(container, stream), [None]):
        for frame in stream.decode(packet):
            if (frame.sample_rate, len(frame.layout.channels)) != shape:
                raise MediaError(f"{path} changes its sound format: convert it, say to WAV.")
            if last is not None:
                yield last
            last = packing.resample(frame)[0] if len(frame.layout.channels) >= _MANY else frame
        if packet and not packet.is_discard:
            end = packet_end(packet, container, stream)
    if last is not None:
        yield last if end is None else _ended(last, end)


def _ended(frame: AudioFrame, end: int) -> AudioFrame:
    """The last frame without what the file does not count: encoders fill their last packet."""
    if frame.pts is None or not frame.time_base or frame.time_base > Fraction(1, frame.sample_rate):
        return frame
    held = int((end - frame.pts) * frame.time_base * frame.sample_rate)
    return part(frame, 0, held) if 0 < held < frame.samples else frame


def _resampled(frames: Iterable[AudioFrame], resampler: AudioResampler) -> Iterator[AudioFrame]:
    for frame in frames:
        yield from resampler.resample(frame)
    # A resampler with nothing to do answers the end with None.
    yield from filter(None, resampler.resample(None))


def _mono(frame: AudioFrame) -> Samples:
    names = [channel.name for channel in frame.layout.channels]
    channels: Samples = np.asarray(frame.to_ndarray(), np.float32).reshape(-1, len(names)).T
    if len(names) > 2 and set(_FRONT) <= set(names):
        left, right, centre = (channels[names.index(name)] for name in _FRONT)
        channels = np.stack([(left + right) / 2, centre])
    mono: Samples = channels.mean(axis=0, dtype=np.float32)
    loudest: Samples = channels[np.argmax(_power(channels))]
    # Channels of opposite sign, as a wrongly wired microphone gives, leave nothing of each other.
    chosen = loudest if _power(mono) < _CANCELLED * _power(loudest) else mono
    return np.clip(chosen, -1.0, 1.0)


def _power(samples: Samples) -> NDArray[np.float32]:
    return np.asarray(np.square(samples).mean(axis=-1))
