"""Arrays in a temporary file without a name: memory does not grow with a clip's length."""

import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.errors import OutputError


@dataclass(frozen=True)
class Kept:
    """Where an array lies in its spool."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Spool:
    """Keeps arrays on disk as long as anybody holds it; any number of threads may read."""

    def __init__(self) -> None:
        """Makes the file.

        Raises:
            OutputError: If the temporary folder takes no file.
        """
        with _explained(), tempfile.TemporaryFile() as file:
            self._descriptor = os.dup(file.fileno())
        self._end = 0
        weakref.finalize(self, os.close, self._descriptor)

    def keep(self, array: NDArray[Any]) -> Kept:
        """Writes an array behind the others; from one thread at a time.

        Raises:
            OutputError: If the temporary folder is full.
        """
        kept = Kept(self._end, array.shape, array.dtype)
        left = memoryview(array.tobytes())
        with _explained():
            while left:
                written = os.pwrite(self._descriptor, left, self._end)
                self._end += written
                left = left[written:]
        return kept

    def read(self, kept: Kept) -> NDArray[Any]:
        """Reads an array into memory of its own."""
        array = np.empty(kept.shape, kept.dtype)
        self.read_into(array, kept.offset)
        return array

    def read_into(self, array: NDArray[Any], offset: int) -> None:
        """Fills a contiguous array with what lies at an offset."""
        if array.size:
            os.preadv(self._descriptor, [memoryview(array.data)], offset)


class Rows:
    """Rows of one shape and type, float32, one behind the other in a spool of their own."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._spool = Spool()
        self.shape = shape  # of one row
        self._row_bytes = int(np.prod(shape)) * np.dtype(np.float32).itemsize
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> NDArray[np.float32]:
        (mesh,) = self.take(np.array([row]))
        return np.asarray(mesh, np.float32)

    def append(self, rows: NDArray[np.float32]) -> None:
        """Adds rows [n, …]."""
        self._spool.keep(rows)
        self._count += len(rows)

    def cut(self, count: int) -> None:
        """Forgets all rows but the first ones; none are added after that."""
        self._count = min(self._count, count)

    def take(self, indices: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Reads rows in any order, [n, …].

        Raises:
            IndexError: If there is no such row.
        """
        if len(indices) and not 0 <= indices.min() <= indices.max() < self._count:
            raise IndexError(f"rows {indices.min()} to {indices.max()} of {self._count}")
        rows = np.empty((len(indices), *self.shape), np.float32)
        for row, index in zip(rows, indices, strict=True):
            self._spool.read_into(row, int(index) * self._row_bytes)
        return rows


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"What the job has to remember cannot be kept in {tempfile.gettempdir()} "
            f"({error.strerror}): make room there, or set TMPDIR to a folder elsewhere."
        ) from error
