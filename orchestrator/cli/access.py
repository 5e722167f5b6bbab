"""Options of every command that reaches a server elsewhere."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

_PANEL = "Server elsewhere"

KeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Holds the key of what the server keeps to itself, as one line name=SECRET; not "
        "needed for a server that you run on this host.",
        metavar="FILE",
        rich_help_panel=_PANEL,
    ),
]
TlsCa: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="PEM file of who signs servers, for grpcs:// endpoints; the usual authorities "
        "otherwise.",
        metavar="FILE",
        rich_help_panel=_PANEL,
    ),
]
TlsCertificate: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="PEM file of your own certificate, for servers that ask for one.",
        metavar="FILE",
        rich_help_panel=_PANEL,
    ),
]
TlsKey: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="PEM file of that certificate's private key.",
        metavar="FILE",
        rich_help_panel=_PANEL,
    ),
]
