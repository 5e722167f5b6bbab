"""A server in the foreground: `orchestrator serve`."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.server.command import Device
from orchestrator.server.embedded import EmbeddedServer

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve(
    repository: Path,
    *,
    models: Sequence[str] | None = None,
    grpc_port: int = 8001,
    http_port: int = 8000,
    metrics_port: int = 8002,
    device: Device = "auto",
    log_file: Path | None = None,
    start_timeout_s: float = 120.0,
    on_ready: Callable[[EmbeddedServer], None] | None = None,
) -> None:
    """Serves a model repository on the loopback interface until SIGINT or SIGTERM.

    Args:
        repository: The model repository.
        models: Models to serve; all by default.
        grpc_port: Port of gRPC.
        http_port: Port of HTTP.
        metrics_port: Port of the metrics.
        device: Where the models run.
        log_file: File to which the server's log is appended.
        start_timeout_s: How long the server may take to load its models.
        on_ready: Called once, when every model has answered an inference.

    Raises:
        InputError: If the repository, a model, the log file or a port cannot be used.
        ServerError: If the server does not start, or ends by itself.
        InferenceError: If a model does not answer, or its process dies.
    """
    with _until_signal():
        server = await EmbeddedServer.start(
            repository,
            models=models,
            log_file=log_file,
            device=device,
            grpc_port=grpc_port,
            http_port=http_port,
            metrics_port=metrics_port,
            start_timeout_s=start_timeout_s,
        )
        async with server:
            if on_ready is not None:
                on_ready(server)
            await server.wait()


@contextmanager
def _until_signal() -> Iterator[None]:
    """Ends its block, and that quietly, at the first SIGINT or SIGTERM."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    received: list[int] = []

    def stop(number: int) -> None:
        if not received and task is not None:
            task.cancel()
        received.append(number)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    except asyncio.CancelledError:
        if not received or task is None:
            raise
        task.uncancel()
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
