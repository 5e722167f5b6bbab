"""The sound of the output: the recording's own packets where players take them, otherwise AAC."""

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from math import ceil
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from orchestrator.media.copying import can_be_copied, sounding
from orchestrator.media.metadata import stream_metadata
from orchestrator.media.opening import audio_stream, decoding, open_input
from orchestrator.media.speech import decode_sound
from orchestrator.media.timeline import packet_end

# Others become 48 kHz: at low rates a packet lasts up to 128 ms, and decoders that do not heed the
# file's length hear the silence that fills the last one.
_AAC_RATES = (96000, 88200, 64000, 48000, 44100)
_AAC_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "5.1", "7.1")  # of 1, 2, … channels
_AAC_BIT_RATE = 192_000
_AAC_CHANNEL_BIT_RATE = 64_000  # where there are more than three
_AAC_BITS_PER_SAMPLE = 6  # the most that AAC spends: 6144 bits per channel and 1024 samples


class Soundtrack:
    """Feeds a recording into an output, in step with its pictures."""

    def __init__(self, output: OutputContainer, path: Path) -> None:
        """Adds the sound stream to an output whose encoding has not started.

        Args:
            output: Where the sound goes.
            path: The recording, or a video with sound.

        Raises:
            InputError: If there is no such file, or nothing in it.
            MediaError: If it has no sound or cannot be decoded.
        """
        self._output = output
        self._path = path
        with ExitStack() as opened:
            source = opened.enter_context(open_input(path))
            self._packets = self._prepare(source, audio_stream(source, path))
            self._opened = opened.pop_all()
        self._next = self._read()

    def packets_until(self, time_s: Fraction) -> Iterator[Packet]:
        """Yields the packets, not yet given, that are over by a time."""
        while self._next is not None and _end_s(self._next) <= time_s:
            yield self._next
            self._next = self._read()

    def last_packets(self, end_s: Fraction) -> Iterator[Packet]:
        """Yields the packets, not yet given, that start before the end of the pictures.

        One that lasts longer gets a shorter duration: the file then says that the sound is over
        with the pictures, although decoders that look at packets alone play that one to its end.
        """
        while self._next is not None and _start_s(self._next) < end_s:
            packet = self._next
            if _end_s(packet) > end_s:
                packet.duration = ceil(end_s / packet.time_base) - (packet.pts or 0)
            yield packet
            self._next = self._read()

    def close(self) -> None:
        """Lets go of the recording."""
        self._opened.close()

    def _prepare(self, source: InputContainer, stream: AudioStream) -> Iterator[Packet]:
        copied = can_be_copied(self._path)
        template = self._output.add_stream_from_template
        target = template(stream) if copied else _add_aac(self._output, stream)
        target.metadata.update(stream_metadata(stream))
        return _copied(source, stream, target) if copied else _encoded(self._path, target)

    def _read(self) -> Packet | None:
        with decoding(self._path):
            return next(self._packets, None)


def _copied(source: InputContainer, stream: AudioStream, target: AudioStream) -> Iterator[Packet]:
    """The packets one behind the other, as `decode_sound` has their samples."""
    # Starting the first heard sample at 0 keeps codec delay ahead of 0, where players skip it.
    samples = stream.codec_context.frame_size
    time = None
    for packet in sounding(source, stream):
        if time is None:
            ahead_s = ((packet.pts or 0) - (stream.start_time or 0)) * packet.time_base
            time = round(ahead_s * stream.sample_rate)
        packet.duration = _held_samples(packet, source, stream)
        packet.time_base = Fraction(1, stream.sample_rate)
        packet.pts = packet.dts = time
        packet.stream = target
        time += samples
        yield packet


def _held_samples(packet: Packet, source: InputContainer, stream: AudioStream) -> int:
    """Samples of a packet that are heard: fewer in the last one, where times are that exact."""
    samples = stream.codec_context.frame_size
    end = packet_end(packet, source, stream)
    if end is None or packet.time_base > Fraction(1, stream.sample_rate):
        return samples
    return min(samples, round((end - (packet.pts or 0)) * packet.time_base * stream.sample_rate))


def _add_aac(output: OutputContainer, source: AudioStream) -> AudioStream:
    rate = source.sample_rate if source.sample_rate in _AAC_RATES else 48000
    layout = _AAC_LAYOUTS[min(source.channels, len(_AAC_LAYOUTS)) - 1]
    stream = output.add_stream("aac", rate)
    stream.layout = layout
    channels = len(stream.layout.channels)
    wanted = max(_AAC_BIT_RATE, _AAC_CHANNEL_BIT_RATE * channels)
    stream.bit_rate = min(wanted, _AAC_BITS_PER_SAMPLE * rate * channels)
    return stream


def _encoded(path: Path, target: AudioStream) -> Iterator[Packet]:
    for frame in decode_sound(path):
        yield from target.encode(frame)
    yield from target.encode(None)


def _start_s(packet: Packet) -> Fraction:
    return (packet.pts or 0) * packet.time_base


def _end_s(packet: Packet) -> Fraction:
    return _start_s(packet) + (packet.duration or 0) * packet.time_base
