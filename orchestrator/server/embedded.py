"""A Triton server of one's own: started on loopback, proved by inference, gone with its owner."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from client.canary import check_models
from client.errors import InferenceError, ServerError
from client.keys import Key, local_key_file
from orchestrator.server.command import Device, Launch
from orchestrator.server.configs import needs_completion
from orchestrator.server.health import is_ready
from orchestrator.server.keeper import Keeper
from orchestrator.server.loading import Loading
from orchestrator.server.log import failure, last_error, port_taken, process_died
from orchestrator.server.models import choose_models
from orchestrator.server.ports import LOOPBACK, choose_ports
from orchestrator.server.preflight import check_all
from orchestrator.server.runtime import Runtime, require_cuda
from orchestrator.server.stubs import Stub, weeded

logger = logging.getLogger(__name__)

POLL_S = 0.1
NOTICE_S = 1.0  # a client sees the server's end before the guardian does


class PortTakenError(ServerError):
    """Another process took a port between its choice and the server's start."""


class ServerLostError(ServerError):
    """The server no longer serves, without having been asked to end.

    Attributes:
        how: What became of it, as the rest of a sentence about it.
    """

    def __init__(self, how: str) -> None:
        super().__init__(f"The embedded Triton server {how}: run the command again.")
        self.how = how


class EmbeddedServer:
    """A running tritonserver that serves a model repository to this machine only.

    It ends with `stop`, with the `async with` block, or at the latest 10 s after its owner's
    process is gone, however that went.

    Attributes:
        url: gRPC endpoint as host:port.
        http_url: HTTP endpoint.
        metrics_url: Prometheus metrics.
        log_file: The server's log; inside its private folder unless one was named.
        key_file: Holds what opens the restricted interfaces; None if none is restricted.
        models: The models that it serves.
        start_timeout_s: How long it may take to load them, and each of them then to answer.
    """

    def __init__(
        self, launch: Launch, keeper: Keeper, log_file: Path | None, start_timeout_s: float
    ) -> None:
        self.url = f"{LOOPBACK}:{launch.ports.grpc}"
        self.http_url = f"http://{LOOPBACK}:{launch.ports.http}"
        self.metrics_url = f"http://{LOOPBACK}:{launch.ports.metrics}/metrics"
        self.log_file = keeper.log.path
        self.key_file = local_key_file(launch.ports.grpc) if launch.key else None
        self.models = list(launch.models)
        self.start_timeout_s = start_timeout_s
        self._launch = launch
        self._keeper = keeper
        self._log_file = log_file
        self._is_up = True

    @classmethod
    async def start(
        cls,
        repository: Path,
        *,
        models: Sequence[str] | None = None,
        log_file: Path | None = None,
        device: Device = "cpu",
        restricted: bool = True,
        grpc_port: int | None = None,
        http_port: int | None = None,
        metrics_port: int | None = None,
        start_timeout_s: float = 120.0,
    ) -> Self:
        """Starts a server and returns when every model has answered an inference.

        Args:
            repository: The model repository.
            models: Models to serve; all by default.
            log_file: File to which the server's log is appended.
            device: Where the models run; `cuda` insists on a GPU, all else hides GPUs.
            restricted: Whether only this user's clients may load models and share memory.
            grpc_port: Port of gRPC; a free one by default. So are the others.
            http_port: Port of HTTP.
            metrics_port: Port of the metrics.
            start_timeout_s: How long the server may take to load its models, and each of them
                then to answer.

        Raises:
            InputError: If the repository, a model, the log file or a port cannot be used.
            ServerError: If the server does not start; names the model that does not load and why.
            InferenceError: If a model does not answer.
        """
        names = choose_models(repository, models)
        launch = partial(
            Launch,
            runtime=_runtime(device, len(names)),
            repository=repository,
            models=names,
            device=device,
            key=Key.new() if restricted else None,
            completes=needs_completion(repository, names),
        )
        ports = partial(choose_ports, grpc=grpc_port, http=http_port, metrics=metrics_port)
        try:
            return await cls._launched(launch(ports=ports()), log_file, start_timeout_s)
        except (PortTakenError, ServerLostError) as error:
            logger.info("%s It is started again.", error)
            return await cls._launched(launch(ports=ports()), log_file, start_timeout_s)

    @classmethod
    async def _launched(cls, launch: Launch, log_file: Path | None, timeout_s: float) -> Self:
        keeper = await Keeper.start(launch, log_file)
        server = cls(launch, keeper, log_file, timeout_s)
        try:
            await server._prove()
        except BaseException:
            await server.stop()
            raise
        return server

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if isinstance(error, ServerError | InferenceError):
                await self._blame(error)
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Ends the server; nothing of it is left when this returns. May be called twice."""
        await self._keeper.stop()

    async def wait(self) -> NoReturn:
        """Waits for as long as the server runs.

        Raises:
            ServerLostError: When it ended without having been asked to.
        """
        await self._keeper.wait()
        raise self._lost()

    async def restart(self) -> None:
        """Ends the server, or what is left of it, and starts it again at the same ports.

        Models that clients have loaded, and how they have, are forgotten.

        Raises:
            InputError: If the log file can no more be written.
            ServerError: If the server does not start.
            InferenceError: If a model does not answer.
        """
        self._is_up = False
        await self.stop()
        self._keeper = await Keeper.start(self._launch, self._log_file)
        self.log_file = self._keeper.log.path
        await self._prove()
        self._is_up = True

    def stubs(self) -> list[Stub]:
        """Returns the processes of the models."""
        return self._keeper.stubs()

    async def _blame(self, error: ServerError | InferenceError) -> None:
        """Raises the server's end in the place of what failed by it."""
        if not self._is_up or isinstance(error, ServerLostError):
            return
        if await self._keeper.wait(NOTICE_S):
            raise self._lost() from error

    def _lost(self) -> ServerLostError:
        error = last_error(self._keeper.log_text())
        return ServerLostError(self._keeper.ending + (f" (its last error: {error})" * bool(error)))

    async def _prove(self) -> None:
        await self._wait_ready()
        await check_models(self.url, self.models, timeout_s=self.start_timeout_s)

    async def _wait_ready(self) -> None:
        loading = Loading()
        try:
            async with asyncio.timeout(self.start_timeout_s):
                while not await is_ready(self._launch.ports.http):
                    self._check_running()
                    loading.look(await asyncio.to_thread(self._dead))
                    if loading.is_lost:
                        raise ServerLostError("lost a model's process while it started")
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            raise ServerError(
                f"The Triton server has not loaded {', '.join(self.models)} within "
                f"{self.start_timeout_s:g} s: give it longer, or serve fewer models."
            ) from error

    def _dead(self) -> int:
        """How many processes of models died while they loaded; a stopped one is lost as well."""
        weeded(self.stubs())
        return self._keeper.dead_stubs()

    def _check_running(self) -> None:
        if not self._keeper.ended:
            return
        text = self._keeper.log_text()
        if self._keeper.was_killed or process_died(text):
            raise self._lost()
        reason = failure(text) or f"it {self._keeper.ending}; run the command again"
        if port_taken(text):
            raise PortTakenError(f"The Triton server cannot listen: {reason}.")
        repository = self._launch.repository
        raise ServerError(f"The Triton server cannot serve {repository}: {reason}.")


def _runtime(device: Device, models: int) -> Runtime:
    runtime = check_all(models)
    if device == "cuda":
        require_cuda(runtime)
    else:
        logger.info("The embedded server runs on the CPU; GPUs are hidden from it.")
    return runtime
