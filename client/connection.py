"""One gRPC connection to a Triton server, with its failures as this project's errors."""

import re
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, Self

import grpc
import tritonclient.grpc.aio as triton
from tritonclient.utils import InferenceServerException

from client.errors import (
    InferenceError,
    InputError,
    ModelUnavailableError,
    ServerError,
    StalledError,
)

CONTROL_TIMEOUT_S = 10.0
MAX_MESSAGE_BYTES = 2**31 - 1  # tritonclient's default, which goes when options are given

_LOOPBACK = re.compile(r"localhost:|127\.|\[::1\]")
_STUB_DIED = re.compile(r"Stub process '[^']*' is not healthy")
_URL = re.compile(r"^(?:grpc://)?(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9_.-]+):(?P<port>\d{1,5})$")


def parse_url(url: str) -> str:
    """Returns `host:port` of a Triton gRPC endpoint.

    Raises:
        InputError: If the text is no such endpoint.
    """
    match = _URL.match(url.strip())
    if match is None or not 0 < int(match["port"]) < 65536:
        raise InputError(
            f"--url {url!r} is not a gRPC endpoint: write it as host:port, such as localhost:8001."
        )
    return f"{match['host']}:{match['port']}"


class Connection:
    """A gRPC channel to one server; every call has a deadline and raises this project's errors."""

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self._client = triton.InferenceServerClient(self.url, channel_args=_channel(self.url))

    async def __aenter__(self) -> Self:
        await self.check_live()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the channel."""
        await self._client.close()

    async def check_live(self, timeout_s: float = CONTROL_TIMEOUT_S) -> None:
        """Makes sure that a Triton server answers.

        Raises:
            ServerError: If none does within `timeout_s`.
        """
        try:
            live = await self._client.is_server_live(client_timeout=timeout_s)
        except (InferenceServerException, grpc.RpcError) as error:
            raise self._unreachable() from error
        if not live:
            raise self._unreachable()

    async def model_config(self, name: str) -> Any:
        """Returns the loaded configuration (a `ModelConfig` message) of a model."""
        reply = await self._control(self._client.get_model_config(name), name)
        return reply.config

    async def model_versions(self, name: str) -> list[str]:
        """Returns the versions that are served, oldest first."""
        metadata = await self._control(self._client.get_model_metadata(name), name)
        return sorted(metadata.versions, key=int)

    async def statistics(self, name: str, version: str) -> Any:
        """Returns Triton's `ModelStatistics` of one version."""
        call = self._client.get_inference_statistics(name, version)
        reply = await self._control(call, name)
        return reply.model_stats[0]

    async def infer(
        self, name: str, version: str, inputs: list[triton.InferInput], timeout_s: float
    ) -> triton.InferResult:
        """Runs one inference.

        Raises:
            StalledError: If no answer came within `timeout_s`.
            ModelUnavailableError: If the server does not serve the version.
            ServerError: If the server went away.
            InferenceError: If the server reports any other error.
        """
        call = self._client.infer(name, inputs, model_version=version, client_timeout=timeout_s)
        try:
            return await call
        except InferenceServerException as error:
            raise self._translated(error, f"{name} version {version}", timeout_s) from error

    async def _control(self, call: Awaitable[Any], name: str) -> Any:
        try:
            return await call
        except InferenceServerException as error:
            raise self._translated(error, name, CONTROL_TIMEOUT_S) from error

    def _translated(
        self, error: InferenceServerException, subject: str, timeout_s: float
    ) -> ServerError | InferenceError:
        status, message = str(error.status()), str(error.message())
        # First: Triton calls a model that is not ready unknown, too.
        if "not at ready state" in message or "has no available versions" in message:
            return ModelUnavailableError(
                f"{subject} is not ready at {self.url}: {one_line(message)}; wait until it is "
                "loaded, or load it."
            )
        if "NOT_FOUND" in status or "unknown model" in message or "not found" in message:
            return ModelUnavailableError(
                f"The server at {self.url} does not serve {subject}: {one_line(message)}; load it, "
                "or check that its repository has this model."
            )
        if "DEADLINE_EXCEEDED" in status:
            return StalledError(
                f"{subject} gave no answer within {timeout_s:g} s at {self.url}: look at the "
                "server's log, or raise the limit with --stall-timeout."
            )
        if "UNAVAILABLE" in status and _is_transport(message):
            return self._unreachable()
        if _STUB_DIED.search(message):
            return InferenceError(
                f"{subject} failed at {self.url} because its process on the server died "
                f"({one_line(message)}): load the model again, or restart the server."
            )
        return InferenceError(f"{subject} failed at {self.url}: {one_line(message)}")

    def _unreachable(self) -> ServerError:
        return ServerError(
            f"No Triton server answers at {self.url}: start one with `orchestrator serve`, or "
            "check --url (it is the gRPC port, usually 8001)."
        )


def _channel(url: str) -> list[tuple[str, int]]:
    options = [(f"grpc.max_{way}_message_length", MAX_MESSAGE_BYTES) for way in ("send", "receive")]
    # A proxy that the environment names cannot reach this machine's own loopback interface.
    return [*options, ("grpc.enable_http_proxy", 0)] if _LOOPBACK.match(url) else options


def one_line(text: str) -> str:
    """Folds white space, so that a server's message fits one line."""
    return " ".join(text.split()).rstrip(".")


def _is_transport(message: str) -> bool:
    words = ("connect", "socket", "closed", "reset", "refused", "handshake", "goaway")
    return any(word in message.lower() for word in words)
