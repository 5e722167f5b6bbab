"""How much sound a WAV promises: FFmpeg believes the size of the file instead."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from struct import unpack
from typing import BinaryIO

# What writes to a pipe cannot know the size: sox, arecord and FFmpeg put 0, or this and above.
_UNKNOWN_SIZE = 0x7FFFF000
_BYTE_RATE = slice(8, 12)  # of the "fmt " chunk


@dataclass(frozen=True)
class WavLength:
    """The length of a WAV's sound.

    Attributes:
        promised_s: What its header says.
        held_s: What is in the file, at most what is promised.
    """

    promised_s: Fraction
    held_s: Fraction


def wav_length(path: Path) -> WavLength | None:
    """Reads the header of a RIFF WAV (IBM and Microsoft, Multimedia Programming Interface, 1991).

    Returns:
        None if it is another format, or the header does not say.
    """
    byte_rate = 0
    with path.open("rb") as file:
        for name, size in _chunks(file):
            if name == b"fmt ":
                byte_rate = int.from_bytes(file.read(16)[_BYTE_RATE], "little")
            if name == b"data":
                left = path.stat().st_size - file.tell()
                return _length(size, left, byte_rate)
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and size in bytes of each chunk; the file stands where its content starts."""
    header = file.read(12)
    if header[:4] != b"RIFF" or header[8:] != b"WAVE":
        return
    while len(head := file.read(8)) == 8:
        name, size = unpack("<4sI", head)
        start = file.tell()
        yield name, size
        file.seek(start + size + size % 2)  # chunks start at even places


def _length(promised: int, left: int, byte_rate: int) -> WavLength | None:
    if not byte_rate or not 0 < promised < _UNKNOWN_SIZE:
        return None
    return WavLength(Fraction(promised, byte_rate), Fraction(min(promised, left), byte_rate))
