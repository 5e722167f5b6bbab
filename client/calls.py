"""The calls to one version of one model on one server."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import tritonclient.grpc.aio as triton

from client.connection import Connection
from client.errors import RegionLostError, ServerError
from client.pulse import STALL_S
from client.region import Region
from client.retry import Retries
from client.statistics import work_of
from client.vigil import Vigil, Work

STATISTICS_TIMEOUT_S = 2.0

Request: TypeAlias = tuple[list[triton.InferInput], list[triton.InferRequestedOutput] | None]
"""Inputs with their data, or where it lies; where outputs are to lie, None for in the answer."""


class Calls:
    """Inferences of one version of one model: watched while they wait, repeated where that helps.

    Args:
        connection: The server.
        name: Model name.
        version: Its version.
        stall_s: How long it may finish no batch while a request waits; 20 of its batches at least.
    """

    def __init__(
        self, connection: Connection, name: str, version: str, stall_s: float = STALL_S
    ) -> None:
        self._connection = connection
        self._name = name
        self._version = version
        self._retries = Retries(connection.retry_timeout_s)
        self._vigil = Vigil(f"{name} version {version} at {connection.url}", self.work, stall_s)

    async def infer(
        self, request: Callable[[], Request], regions: Sequence[Region] = ()
    ) -> triton.InferResult:
        """Runs one inference.

        Args:
            request: Makes what is sent, anew for every attempt: a region that the server lost has
                another name afterwards.
            regions: Shared memory in which anything of it lies.

        Raises:
            StalledError: If the model hangs.
            ModelUnavailableError: If the server does not serve the version.
            ServerUnavailableError: If the server was away for too long.
            InferenceError: If the server reports any other error.
        """
        return await self._retries.run(lambda: self._attempt(request, regions))

    @property
    def vigil(self) -> Vigil:
        """Watches the requests that wait, and tells about them."""
        return self._vigil

    async def statistics(self) -> Any:
        """Returns Triton's `ModelStatistics`."""
        return await self._connection.statistics(self._name, self._version)

    async def _attempt(
        self, request: Callable[[], Request], regions: Sequence[Region]
    ) -> triton.InferResult:
        await self._attach(regions)
        names = [region.name for region in regions]
        try:
            return await self._vigil.keep(
                self._connection.infer(self._name, self._version, *request())
            )
        except RegionLostError:
            for region, name in zip(regions, names, strict=True):
                region.lost(name)
            raise

    async def _attach(self, regions: Sequence[Region]) -> None:
        """Shows the server what it does not know yet, or no more."""
        try:
            for region in regions:
                await region.attach(self._connection)
        except OSError as error:
            raise ServerError(
                f"There is no room in shared memory for {self._name} ({error.strerror}): enlarge "
                "it (in a container: --shm-size=1g), or choose --transport grpc."
            ) from error

    async def work(self) -> Work:
        """Returns what the server tells of the model's work."""
        stats = await self._connection.statistics(
            self._name, self._version, timeout_s=STATISTICS_TIMEOUT_S
        )
        return work_of(stats)
