"""A server in the foreground: `orchestrator serve`."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from client.pulse import STALL_S
from orchestrator.server.command import Device
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.supervisor import Supervisor
from orchestrator.server.tls import Gate, opened

logger = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve(
    repository: Path,
    *,
    models: Sequence[str] | None = None,
    grpc_port: int = 8001,
    http_port: int = 8000,
    metrics_port: int = 8002,
    device: Device = "auto",
    restricted: bool = True,
    gate: Gate | None = None,
    log_file: Path | None = None,
    start_timeout_s: float = 120.0,
    stall_s: float = STALL_S,
    on_ready: Callable[[EmbeddedServer], None] | None = None,
    on_event: Callable[[str], None] = logger.warning,
) -> None:
    """Serves a model repository on the loopback interface until SIGINT or SIGTERM.

    What dies or hangs meanwhile is started again.

    Args:
        repository: The model repository.
        models: Models to serve; all by default.
        grpc_port: Port of gRPC.
        http_port: Port of HTTP.
        metrics_port: Port of the metrics.
        device: Where the models run.
        restricted: Whether only this user's clients may load models and share memory.
        gate: Where clients from elsewhere are let in, over TLS; None lets in nobody.
        log_file: File to which the server's log is appended.
        start_timeout_s: How long the server may take to load its models.
        stall_s: How long a model may finish no batch while a request waits (20 of its batches at
            least), and the server may answer nothing.
        on_ready: Called once, when every model has answered an inference.
        on_event: Is told of every recovery, in a sentence.

    Raises:
        InputError: If the repository, a model, the log file or a port cannot be used.
        ServerError: If the server does not start, or ends by itself again and again.
        InferenceError: If a model does not answer.
    """
    with _until_signal():
        async with opened(gate, grpc_port):
            server = await EmbeddedServer.start(
                repository,
                models=models,
                log_file=log_file,
                device=device,
                restricted=restricted,
                grpc_port=grpc_port,
                http_port=http_port,
                metrics_port=metrics_port,
                start_timeout_s=start_timeout_s,
            )
            async with server:
                if on_ready is not None:
                    on_ready(server)
                await Supervisor(server, stall_s=stall_s, on_event=on_event).run()


@contextmanager
def _until_signal() -> Iterator[None]:
    """Ends its block, and that quietly, at the first SIGINT or SIGTERM.

    A second one ends the process at once: what is left to do then, the guardian does.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        for each in STOP_SIGNALS:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        if task is not None:
            task.cancel()

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
