"""`orchestrator serve`: the embedded server for as long as it is wanted."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.running import run, show
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
) -> None:
    """Start the embedded Triton server and keep it until Ctrl-C.

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
            on_ready=_announce,
        )
    )


def _announce(server: EmbeddedServer) -> None:
    show(f"serving {', '.join(server.models)} at {server.url} (gRPC); log: {server.log_file}")
    show(f"metrics: {server.metrics_url}; stop with Ctrl-C")
