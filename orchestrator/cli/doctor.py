"""`orchestrator doctor`: what is wrong with this machine, or was with an old service."""

import json
from pathlib import Path
from typing import Annotated

import typer

from client.endpoint import Access
from client.tls import Tls
from orchestrator.cli.access import KeyFile, TlsCa, TlsCertificate, TlsKey
from orchestrator.cli.running import EXIT_ERROR, printable, run, show
from orchestrator.doctor.examine import examine
from orchestrator.doctor.explain import explain
from orchestrator.doctor.finding import as_data, as_table, is_wrong


def doctor_command(
    url: Annotated[
        str | None,
        typer.Option(
            help="gRPC endpoint of a Triton server to look at, too: one inference of every model.",
            metavar="HOST:PORT",
        ),
    ] = None,
    key_file: KeyFile = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    explanation: Annotated[
        Path | None,
        typer.Option(
            "--explain",
            help="Tell instead what happened in this log of a HeyGem or Duix service.",
            metavar="FILE",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Look at everything that a job needs and say how to mend it; starts and changes nothing.

    Exit status 1 tells that something is wrong.
    """
    if explanation is not None:
        _explain(explanation, as_json=as_json)
        return
    access = Access(key_file, Tls(tls_ca, tls_certificate, tls_key))
    findings = run(examine(url, access))
    show(_json(as_data(findings)) if as_json else as_table(findings))
    if is_wrong(findings):
        raise typer.Exit(EXIT_ERROR)


def _explain(log: Path, *, as_json: bool) -> None:
    told = explain(log)
    lines = told.as_text().splitlines()
    show(_json(told.as_data()) if as_json else "\n".join(map(printable, lines)))


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)
