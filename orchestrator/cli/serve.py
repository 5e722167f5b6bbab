"""`orchestrator serve`: the embedded server for as long as it is wanted."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from client.pulse import STALL_S
from orchestrator.cli.running import printable, run, show
from orchestrator.server.command import Device
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.serve import serve
from orchestrator.settings import home


def serve_command(
    repository: Annotated[
        Path | None,
        typer.Option(help="Model repository; the project's own by default.", metavar="FOLDER"),
    ] = None,
    grpc_port: Annotated[int, typer.Option(help="gRPC port on the loopback interface.")] = 8001,
    http_port: Annotated[int, typer.Option(help="HTTP port on the loopback interface.")] = 8000,
    metrics_port: Annotated[
        int, typer.Option(help="Prometheus port on the loopback interface.")
    ] = 8002,
    device: Annotated[
        Device,
        typer.Option(
            help="Where models run: auto, cpu or cuda; cuda fails when it cannot be used.",
            metavar="DEVICE",
        ),
    ] = "auto",
    log_file: Annotated[
        Path | None, typer.Option(help="Server log; a temporary file by default.", metavar="FILE")
    ] = None,
    stall_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds without any progress of a model, which is then started again.",
            metavar="SECONDS",
            min=1,
        ),
    ] = STALL_S,
) -> None:
    """Start the embedded Triton server and keep it, and all its models, running until Ctrl-C.

    Then, from another terminal: orchestrator generate --url 127.0.0.1:8001 ...
    """
    run(
        serve(
            repository or home() / "model_repository",
            grpc_port=grpc_port,
            http_port=http_port,
            metrics_port=metrics_port,
            device=device,
            log_file=log_file,
            stall_s=stall_timeout,
            on_ready=_announce,
            on_event=_tell,
        )
    )


def _announce(server: EmbeddedServer) -> None:
    show(f"serving {', '.join(server.models)} at {server.url} (gRPC); log: {server.log_file}")
    show(f"metrics: {server.metrics_url}; stop with Ctrl-C")


def _tell(event: str) -> None:
    with suppress(OSError):  # serving matters more than who reads of it
        typer.echo(printable(f"recovered: {event}"), err=True)
