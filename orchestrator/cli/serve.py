"""`orchestrator serve`: the embedded server for as long as it is wanted."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from client.pulse import STALL_S
from orchestrator.cli.running import printable, run, show
from orchestrator.server.command import Device
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.serve import serve
from orchestrator.server.tls import Gate
from orchestrator.settings import home, load_settings

_ELSEWHERE = "Clients from elsewhere"


def serve_command(
    repository: Annotated[
        Path | None,
        typer.Option(help="Model repository; the project's own by default.", metavar="FOLDER"),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help="Serve only the models that this profile names; may be given more than once. By "
            "default all models of the repository are served.",
            metavar="NAME|FILE",
        ),
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
    open_to_all: Annotated[
        bool,
        typer.Option(
            "--open-to-all",
            help="Every program on this machine may load models, which runs code as you, and share "
            "memory; perf_analyzer --shared-memory over gRPC needs it.",
        ),
    ] = False,
    tls_listen: Annotated[
        str | None,
        typer.Option(
            help="Let clients from elsewhere run models, over TLS, at this address, such as "
            "0.0.0.0:8443; needs the next three. They use generate --url grpcs://HOST:PORT.",
            metavar="HOST:PORT",
            rich_help_panel=_ELSEWHERE,
        ),
    ] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(
            help="PEM file of the server's certificate.",
            metavar="FILE",
            rich_help_panel=_ELSEWHERE,
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(
            help="PEM file of its private key.", metavar="FILE", rich_help_panel=_ELSEWHERE
        ),
    ] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(
            help="PEM file of who signs clients; all others are turned away.",
            metavar="FILE",
            rich_help_panel=_ELSEWHERE,
        ),
    ] = None,
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
    """Start the embedded Triton server and keep it and its models running until Ctrl-C.

    Then, from another terminal: orchestrator generate --url 127.0.0.1:8001 ...
    """
    run(
        serve(
            repository or home() / "model_repository",
            models=_named(profile or []),
            grpc_port=grpc_port,
            http_port=http_port,
            metrics_port=metrics_port,
            device=device,
            restricted=not open_to_all,
            gate=_gate(tls_listen, tls_certificate, tls_key, tls_client_ca),
            log_file=log_file,
            stall_s=stall_timeout,
            on_ready=_announce,
            on_event=_tell,
        )
    )


def _named(profiles: Sequence[str]) -> list[str] | None:
    """The models of some profiles; None is all of the repository."""
    roles = [load_settings(profile).models.by_role() for profile in profiles]
    return sorted({name for names in roles for name in names.values()}) or None


def _gate(
    address: str | None, certificate: Path | None, key: Path | None, client_ca: Path | None
) -> Gate | None:
    if address is None and certificate is None and key is None and client_ca is None:
        return None
    if address is None or certificate is None or key is None or client_ca is None:
        raise typer.BadParameter(
            "clients from elsewhere need all of --tls-listen, --tls-certificate, --tls-key and "
            "--tls-client-ca"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise typer.BadParameter(f"--tls-listen {address!r} is not HOST:PORT, as in 0.0.0.0:8443")
    return Gate(host.strip("[]"), int(port), certificate, key, client_ca)


def _announce(server: EmbeddedServer) -> None:
    show(f"serving {', '.join(server.models)} at {server.url} (gRPC); log: {server.log_file}")
    if server.key_file is not None:
        show(f"loading models and sharing memory: with the key in {server.key_file}")
    show(f"metrics: {server.metrics_url}; stop with Ctrl-C")


def _tell(event: str) -> None:
    with suppress(OSError):  # serving matters more than who reads of it
        typer.echo(printable(f"recovered: {event}"), err=True)
