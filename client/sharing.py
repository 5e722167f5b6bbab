"""The memory that a client shares with a server on its host: probed, counted, given back."""

import asyncio
import logging
from contextlib import suppress
from typing import Self

from client.errors import LipSyncError
from client.owners import PREFIX, is_orphan
from client.region import SHM_FOLDER, MemoryServer, Region

PROBE_BYTES = 4096
CLOSE_TIMEOUT_S = 2.0
HURRIED_TIMEOUT_S = 0.2  # a job that is told to stop is gone within two seconds

logger = logging.getLogger(__name__)


class SharedMemory:
    """All regions that one server was told of.

    Args:
        server: On this host.
    """

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self._regions: list[Region] = []

    @classmethod
    async def open(cls, server: MemoryServer) -> Self | None:
        """Finds out whether the server sees this host's memory, by showing it a piece of it.

        What killed jobs of this host left is removed, too.

        Returns:
            None if it does not: it runs elsewhere or in a container of its own, or forbids it.
        """
        memory = cls(server)
        try:
            await memory.region(PROBE_BYTES).attach(server)
            await memory._remove_orphans()
        except (OSError, LipSyncError) as error:
            logger.info("Tensors travel in messages: no shared memory with the server (%s).", error)
            await memory.close()
            return None
        except BaseException:
            await memory.close(hurried=True)
            raise
        return memory

    def region(self, size: int) -> Region:
        """Returns a new region; the server is told of it when it is first used.

        Raises:
            OSError: If there is no room for it.
        """
        self._regions.append(Region(size))
        return self._regions[-1]

    async def close(self, *, hurried: bool = False) -> None:
        """Gives everything back.

        What a server that does not listen keeps is removed by the next job, once this one's process
        is gone.

        Args:
            hurried: Whether somebody waits for the end.
        """
        timeout_s = HURRIED_TIMEOUT_S if hurried else CLOSE_TIMEOUT_S
        regions, self._regions = self._regions, []
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*(region.detach(self._server) for region in regions))

    async def _remove_orphans(self) -> None:
        for path in SHM_FOLDER.glob(f"{PREFIX}*"):
            if is_orphan(path.name):
                with suppress(OSError):  # it is another user's, or another job was faster
                    path.unlink()
        for name in filter(is_orphan, await self._server.registered_memory()):
            with suppress(LipSyncError):  # another job was faster
                await self._server.unregister_memory(name)
