"""`orchestrator validate`: whether a model repository is portable, before a server meets it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from client.endpoint import Access
from client.tls import Tls
from orchestrator.cli.access import KeyFile, TlsCa, TlsCertificate, TlsKey
from orchestrator.cli.running import EXIT_ERROR, printable, run, show
from orchestrator.settings import home, load_settings
from orchestrator.validation.examine import examine


def validate_command(
    repository: Annotated[
        Path | None,
        typer.Argument(
            help="Model repository; the project's own by default.",
            metavar="REPO",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="Compare it with what this Triton server serves, too; its gRPC endpoint.",
            metavar="HOST:PORT",
        ),
    ] = None,
    key_file: KeyFile = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    profile: Annotated[
        str,
        typer.Option(
            help="Profile in configs/, or a YAML file: it says which model has to keep the "
            "contract of which role.",
            metavar="NAME|FILE",
        ),
    ] = "default",
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings count as errors: exit status 1.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Look at every file of a model repository and say what would break, where, and how to mend it.

    A repository without errors serves jobs unchanged, from the embedded server and from NVIDIA's
    container. No server is needed; nothing is started or changed.

    Example: orchestrator validate model_repository --against 127.0.0.1:8001

    Exit status 1 tells of an error. Warnings alone leave it at 0.
    """
    report = run(
        examine(
            repository or home() / "model_repository",
            load_settings(profile).models.by_role(),
            against=against,
            access=Access(key_file, Tls(tls_ca, tls_certificate, tls_key)),
        )
    )
    if as_json:
        show(json.dumps(report.as_data(), indent=2, ensure_ascii=False))
    else:
        show("\n".join(map(printable, report.lines())))
    if not report.is_good(strict=strict):
        raise typer.Exit(EXIT_ERROR)
