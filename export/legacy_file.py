"""Checkpoints of torch.save before torch 1.6: pickles one after another, then the numbers."""

import os
from pathlib import Path
from typing import IO

from client.errors import InputError
from export.inert import Storage, Unpickled, unpickle

MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_PROTOCOL = 1001
_COUNT_BYTES = 8


def read_legacy(path: Path) -> Unpickled:
    """Reads a file with `MAGIC` in its first bytes, and checks that its numbers are all there.

    Raises:
        InputError: If it wants code to run, or is damaged.
    """
    name = str(path)
    with path.open("rb") as stream:
        unpickle(stream, name)  # the magic number
        if unpickle(stream, name).value != _PROTOCOL:
            raise InputError(f"{path} is of an unknown version of torch.save; save it again.")
        unpickle(stream, name)  # sizes of numbers on the machine that wrote it
        found = unpickle(stream, name)
        keys = unpickle(stream, name).value
        for key in keys if isinstance(keys, list) else []:
            _skip(stream, path, found.storages.get(str(key)))
    return found


def _skip(stream: IO[bytes], path: Path, storage: Storage | None) -> None:
    count = int.from_bytes(stream.read(_COUNT_BYTES), "little")
    rest = os.fstat(stream.fileno()).st_size - stream.tell()
    if storage is None or count != storage.count or storage.size_bytes > rest:
        raise InputError(
            f"{path} is cut off or damaged: not all of its numbers are there; copy it again from "
            "where it came."
        )
    stream.seek(storage.size_bytes, os.SEEK_CUR)
