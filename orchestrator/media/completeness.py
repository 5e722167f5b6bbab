"""Whether a recording holds all the sound it promises: FFmpeg decodes a part without a word."""

from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer

from client.errors import MediaError
from orchestrator.media.opening import audio_stream, decoding, open_input
from orchestrator.media.timeline import MISSING_S, Ends, declared_duration, whole_duration
from orchestrator.media.wav import wav_length

_MISSING_IN_WAV_S = Fraction(1, 10)  # its header counts bytes, not packets
# Of other formats FFmpeg tells an estimate, or what is in the file.
_STATING_FORMATS = (
    "aiff",
    "flac",
    "matroska,webm",
    "mov,mp4,m4a,3gp,3g2,mj2",
    "tta",
    "wv",
)


def check_complete(path: Path) -> None:
    """Compares the length that a recording promises with that of its packets.

    Raises:
        InputError: If there is no such file, or nothing in it.
        MediaError: If a part is missing, or it has no sound or cannot be read.
    """
    wav = wav_length(path)
    if wav is not None:
        _compare(path, wav.promised_s, wav.held_s, _MISSING_IN_WAV_S)
        return
    with open_input(path) as container, decoding(path):
        stream = audio_stream(container, path)
        promised_s = _promised_s(container, stream)
        if promised_s is not None:
            _compare(path, promised_s, _held_s(container, stream), MISSING_S)
            return
        promised_s = whole_duration(container)
        if promised_s is not None:
            _compare(path, promised_s, _held_s(container, None), MISSING_S)


def _promised_s(container: InputContainer, stream: AudioStream) -> Fraction | None:
    # An MP3 whose encoder wrote its delay also wrote its length beside it.
    states = container.format.name in _STATING_FORMATS
    states |= container.format.name == "mp3" and bool(stream.start_time)
    return declared_duration(stream) if states else None


def _compare(path: Path, promised_s: Fraction, held_s: Fraction, missing_s: Fraction) -> None:
    if held_s < promised_s - missing_s:
        raise MediaError(
            f"{path} promises {float(promised_s):.1f} s of sound and holds {float(held_s):.1f} s:"
            " copy it again."
        )


def _held_s(container: InputContainer, stream: AudioStream | None) -> Fraction:
    """When the last packet of a stream, or of all, ends.

    It counts from 0, as Matroska's length does, or from an earlier start.
    """
    ends = Ends()
    for packet in container.demux(*([stream] if stream else [])):
        if packet.size:
            ends.add(packet)
    start_s = Fraction(0)
    if stream is not None and stream.time_base is not None:
        start_s = min(stream.start_time or 0, 0) * stream.time_base
    return ends.last_s(container) - start_s
