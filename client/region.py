"""Memory of this process that a server on the same host reads and writes, too.

The memory is a file in /dev/shm without a name. It has one only for the moment in which the server
opens it, so that a killed process leaves nothing behind.
"""

import asyncio
import logging
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from client.errors import LipSyncError
from client.owners import own_name
from client.tensors import Array, TensorSpec

SHM_FOLDER = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
FORGET_TRIES = 3
FORGET_PAUSE_S = 0.05

logger = logging.getLogger(__name__)


class MemoryServer(Protocol):
    """What a server does with memory that it is told of."""

    async def register_memory(self, name: str, size: int) -> None:
        """Opens /dev/shm/`name`."""

    async def unregister_memory(self, name: str) -> None:
        """Forgets it."""

    async def registered_memory(self) -> list[str]:
        """Names of all that it knows, whoever told it."""


class Region:
    """Some bytes that both sides see.

    Attributes:
        name: What the server calls it; a new one after every loss.
        size: Bytes.
    """

    def __init__(self, size: int) -> None:
        """Takes the memory at once: a full /dev/shm is told here, and not by a signal later.

        Raises:
            OSError: If there is no such memory.
        """
        self.name = own_name()
        self.size = size
        self._file = _nameless_file(size)
        self._memory = mmap.mmap(self._file, size)
        self._was_named = False
        self._is_known = False
        self._attaching = asyncio.Lock()

    def view(self, spec: TensorSpec, rows: int, offset: int) -> Array:
        """Returns some rows of a tensor that lie at an offset; good until the next `attach`."""
        return np.ndarray((rows, *spec.shape), spec.dtype, self._memory, offset)

    async def attach(self, server: MemoryServer) -> None:
        """Makes sure that the server knows the memory.

        Raises:
            OSError: If there is no memory any more.
            LipSyncError: If the server does not take it.
        """
        async with self._attaching:
            if self._is_known:
                return
            if self._was_named:
                self._renew()
            with self._named():
                await server.register_memory(self.name, self.size)
            self._is_known = True

    def lost(self, name: str) -> None:
        """Notes that the server, started again, does not know the memory by that name any more.

        It may have another one by now, if another request met the same before.
        """
        if name == self.name:
            self._is_known = False

    async def detach(self, server: MemoryServer) -> None:
        """Makes the server forget the memory, and gives it back."""
        try:
            if self._is_known:
                await self._forget(server)
        finally:
            os.close(self._file)

    async def _forget(self, server: MemoryServer) -> None:
        """Asks again where the server is still at work on it."""
        for _ in range(FORGET_TRIES):
            try:
                await server.unregister_memory(self.name)
            except LipSyncError as error:
                logger.debug("Shared memory %s stays registered: %s", self.name, error)
                await asyncio.sleep(FORGET_PAUSE_S)
            else:
                self._is_known = False
                return

    def _renew(self) -> None:
        """Moves to a new file under a new name: one without a name can be given one only once."""
        file = _nameless_file(self.size)
        memory = mmap.mmap(file, self.size)
        memory[:] = self._memory[:]
        os.close(self._file)
        self._file, self._memory, self.name = file, memory, own_name()

    @contextmanager
    def _named(self) -> Iterator[None]:
        path = SHM_FOLDER / self.name
        descriptors = os.open("/proc/self/fd", os.O_RDONLY)
        try:
            # Without `src_dir_fd` Python would link the link in /proc, and not what it leads to.
            os.link(str(self._file), path, src_dir_fd=descriptors, follow_symlinks=True)
            self._was_named = True
            yield
        finally:
            os.close(descriptors)
            path.unlink(missing_ok=True)


def _nameless_file(size: int) -> int:
    file = os.open(SHM_FOLDER, os.O_TMPFILE | os.O_RDWR, 0o600)
    try:
        os.posix_fallocate(file, 0, size)
    except OSError:
        os.close(file)
        raise
    return file
