"""Frames from the last to the first, each decoded about once, in little memory.

Decoding only goes forwards from a key frame, which may be the only one in hundreds of frames. So a
block of frames is decoded into a temporary file without a name and read from its end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from tempfile import TemporaryFile, gettempdir
from typing import IO

import numpy as np

from client.errors import OutputError
from orchestrator.media.frames import Frame, FrameSource
from orchestrator.media.info import VideoInfo
from orchestrator.media.pixels import Plane

# On disk. 165 frames of 1080p: a usual key frame distance of 250 is then decoded 1.3 times.
_BLOCK_BYTES = 512 * 2**20


def read_backwards(source: FrameSource, run: range) -> Iterator[Frame]:
    """Yields the frames of a descending run, each in its own memory.

    Raises:
        InputError: If the file is gone.
        MediaError: If the frames cannot be decoded.
        OutputError: If the temporary folder has no room.
    """
    length = _block_length(source.info)
    with _keeping(), TemporaryFile() as file:
        for start in range(0, len(run), length):
            file.seek(0)
            kept = _keep(source.read(run[start : start + length][::-1]), file)
            for place in reversed(range(len(kept))):
                yield _read(file, place, kept[place], source.info)


def _block_length(info: VideoInfo) -> int:
    """Frames that are decoded at once; each block is decoded from the key frame before it."""
    return max(1, _BLOCK_BYTES // _frame_bytes(info))


def _keep(frames: Iterator[Frame], file: IO[bytes]) -> list[int]:
    """Writes frames one behind the other and returns their indices."""
    indices = []
    for frame in frames:
        for plane in frame.planes:
            file.write(plane.data)
        indices.append(frame.index)
    return indices


def _read(file: IO[bytes], place: int, index: int, info: VideoInfo) -> Frame:
    file.seek(place * _frame_bytes(info))
    y, u, v = (_read_plane(file, shape, info) for shape in _shapes(info))
    return Frame(index, (y, u, v))


def _read_plane(file: IO[bytes], shape: tuple[int, int], info: VideoInfo) -> Plane:
    dtype = np.dtype(info.pixel_format.dtype)
    samples = bytearray(file.read(prod(shape) * dtype.itemsize))
    return np.frombuffer(samples, dtype).reshape(shape)


def _shapes(info: VideoInfo) -> tuple[tuple[int, int], ...]:
    return info.pixel_format.shapes(info.width, info.height)


def _frame_bytes(info: VideoInfo) -> int:
    samples = sum(map(prod, _shapes(info)))
    return samples * np.dtype(info.pixel_format.dtype).itemsize


@contextmanager
def _keeping() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"Frames to be played backwards cannot be kept in {gettempdir()} ({error.strerror}): "
            "make room there, or set TMPDIR to a folder elsewhere."
        ) from error
