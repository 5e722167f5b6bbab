"""One gRPC connection to a Triton server, with its failures as this project's errors."""

import time
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import grpc
import tritonclient.grpc.aio as triton
from tritonclient.utils import InferenceServerException

from client.endpoint import Access, Endpoint
from client.errors import ModelUnavailableError, ServerError
from client.failures import message_of, translated, unreachable
from client.sharing import SharedMemory

TransportChoice: TypeAlias = Literal["auto", "shared-memory", "grpc"]

CONTROL_TIMEOUT_S = 10.0
PINGS = 3


class Connection:
    """A gRPC channel to one server, which finds it again; failures are this project's errors.

    Attributes:
        endpoint: Where the server is.
        url: The same as host:port.
        retry_timeout_s: How long calls to a model are made again while the server is away.
        memory: Shared with the server; None where tensors travel in messages.
    """

    def __init__(
        self,
        url: str,
        *,
        access: Access | None = None,
        retry_timeout_s: float = 0.0,
        transport: TransportChoice = "grpc",
    ) -> None:
        """Sets up; the server is first asked when the `async with` block begins.

        Args:
            url: The server's gRPC endpoint.
            access: What is shown there: a key, certificates.
            retry_timeout_s: How long calls to a model are made again while the server is away.
            transport: How tensors reach the server: `grpc`, in messages; `shared-memory`, in memory
                of this host; `auto`, in shared memory where the server sees it.

        Raises:
            InputError: If the endpoint is none, or a file of `access` cannot be used.
        """
        self.endpoint = Endpoint.parse(url, access)
        self.url = self.endpoint.address
        self.retry_timeout_s = retry_timeout_s
        self.memory: SharedMemory | None = None
        self._wish = transport
        self._client = triton.InferenceServerClient(**self.endpoint.client_options())

    async def __aenter__(self) -> Self:
        try:
            await self.check_live()
            await self._choose_transport()
        except BaseException:
            await self.close(hurried=True)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close(hurried=kind is not None)

    @property
    def transport(self) -> TransportChoice:
        """How tensors reach the server."""
        return "grpc" if self.memory is None else "shared-memory"

    async def close(self, *, hurried: bool = False) -> None:
        """Gives shared memory back and closes the channel.

        Args:
            hurried: Whether somebody waits for the end.
        """
        try:
            if self.memory is not None:
                await self.memory.close(hurried=hurried)
        finally:
            await self._client.close()

    async def check_live(self, timeout_s: float = CONTROL_TIMEOUT_S) -> None:
        """Makes sure that a Triton server answers.

        Raises:
            ServerUnavailableError: If none does within `timeout_s`.
        """
        try:
            live = await self._client.is_server_live(
                headers=self.endpoint.headers, client_timeout=timeout_s
            )
        except (InferenceServerException, grpc.RpcError) as error:
            raise unreachable(self.url, message_of(error)) from error
        if not live:
            raise unreachable(self.url)

    async def _choose_transport(self) -> None:
        if self._wish == "grpc":
            return
        self.memory = await SharedMemory.open(self)
        if self._wish == "shared-memory" and self.memory is None:
            raise ServerError(
                f"The Triton server at {self.url} does not share this host's memory: run both on "
                "one host and in one IPC namespace, or choose --transport auto."
            )

    async def round_trip_s(self) -> float:
        """Measures how long the shortest question and its answer are on their way.

        Raises:
            ServerUnavailableError: If no server answers.
        """
        times_s = []
        for _ in range(PINGS):
            start_s = time.monotonic()
            await self.check_live()
            times_s.append(time.monotonic() - start_s)
        return min(times_s)

    async def register_memory(self, name: str, size: int) -> None:
        """Lets the server open /dev/shm/`name`; requests call it by that name, too."""
        call = self._client.register_system_shared_memory(
            name,
            f"/{name}",
            size,
            headers=self.endpoint.restricted_headers(),
            client_timeout=CONTROL_TIMEOUT_S,
        )
        await self._control(call, "shared memory")

    async def unregister_memory(self, name: str) -> None:
        """Lets the server forget shared memory."""
        call = self._client.unregister_system_shared_memory(
            name, headers=self.endpoint.restricted_headers(), client_timeout=CONTROL_TIMEOUT_S
        )
        await self._control(call, "shared memory")

    async def registered_memory(self) -> list[str]:
        """Returns the names of all shared memory that the server was told of."""
        call = self._client.get_system_shared_memory_status(
            headers=self.endpoint.restricted_headers(), client_timeout=CONTROL_TIMEOUT_S
        )
        return list((await self._control(call, "shared memory")).regions)

    async def model_config(self, name: str) -> Any:
        """Returns the loaded configuration (a `ModelConfig` message) of a model."""
        call = self._client.get_model_config(
            name, headers=self.endpoint.headers, client_timeout=CONTROL_TIMEOUT_S
        )
        return (await self._control(call, name)).config

    async def model_versions(self, name: str) -> list[str]:
        """Returns the versions that are served, oldest first."""
        call = self._client.get_model_metadata(
            name, headers=self.endpoint.headers, client_timeout=CONTROL_TIMEOUT_S
        )
        metadata = await self._control(call, name)
        return sorted(metadata.versions, key=int)

    async def statistics(
        self, name: str, version: str, *, timeout_s: float = CONTROL_TIMEOUT_S
    ) -> Any:
        """Returns Triton's `ModelStatistics` of one version."""
        call = self._client.get_inference_statistics(
            name, version, headers=self.endpoint.headers, client_timeout=timeout_s
        )
        reply = await self._control(call, name)
        return reply.model_stats[0]

    async def infer(
        self,
        name: str,
        version: str,
        inputs: list[triton.InferInput],
        outputs: list[triton.InferRequestedOutput] | None = None,
    ) -> triton.InferResult:
        """Runs one inference, however long it takes.

        Raises:
            RegionLostError: If the server does not know shared memory that the request names.
            ModelUnavailableError: If the server does not serve the version.
            ServerUnavailableError: If the server is away or takes no request at the moment.
            InferenceError: If the server reports any other error.
        """
        try:
            return await self._client.infer(
                name,
                inputs,
                model_version=version,
                outputs=outputs,
                headers=self.endpoint.headers,
            )
        except InferenceServerException as error:
            failure = translated(error, f"{name} version {version}", self.url)
            if isinstance(failure, ModelUnavailableError):
                await self.check_live()  # a server that ends unloads its models while it answers
            raise failure from error

    async def _control(self, call: Awaitable[Any], name: str) -> Any:
        try:
            return await call
        except InferenceServerException as error:
            raise translated(error, name, self.url) from error
