"""Whether the packets of a recording can go into an MP4 as they are."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from orchestrator.media.opening import audio_stream, decoding, open_input, sound_packets

_COPIED_CODECS = ("aac", "mp3")  # what browsers and phones play inside MP4
_SLOWEST_MP3 = 16000  # Hz; slower ones are not of MPEG-1 or 2, which is all that MP4 holds
# Containers round times to a millisecond; a packet that is this far from its place follows a hole.
_TOLERANCE_S = Fraction(1, 100)


def can_be_copied(path: Path) -> bool:
    """Reads all packets of a recording's sound.

    Returns:
        Whether players of MP4 take the codec and the packets follow each other without holes.

    Raises:
        InputError: If there is no such file, or nothing in it.
        MediaError: If it has no sound or cannot be read.
    """
    with open_input(path) as container, decoding(path):
        stream = audio_stream(container, path)
        return _is_playable(stream) and _is_continuous(container, stream)


def sounding(container: InputContainer, stream: AudioStream) -> Iterator[Packet]:
    """Yields the packets that are heard, with those ahead that the decoder needs."""
    started = False
    for packet in sound_packets(container, stream):
        started |= not packet.is_discard
        if packet.pts is not None and not (started and packet.is_discard):
            yield packet


def _is_playable(stream: AudioStream) -> bool:
    codec = stream.codec_context.codec.canonical_name
    slow = codec == "mp3" and stream.sample_rate < _SLOWEST_MP3
    return codec in _COPIED_CODECS and stream.codec_context.frame_size > 0 and not slow


def _is_continuous(container: InputContainer, stream: AudioStream) -> bool:
    if stream.time_base is None:
        return False
    # Floats hold a day of samples exactly enough, and long recordings have many packets.
    step = float(stream.codec_context.frame_size / stream.sample_rate / stream.time_base)
    tolerance = float(_TOLERANCE_S / stream.time_base)
    first = None
    for number, packet in enumerate(sounding(container, stream)):
        time = packet.pts or 0
        first = time if first is None else first
        if abs(time - first - number * step) > tolerance:
            return False
    return True
