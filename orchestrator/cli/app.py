"""The command line: its commands and the options that all of them share."""

from importlib import metadata
from typing import Annotated

import typer

from orchestrator.cli.doctor import doctor_command
from orchestrator.cli.generate import generate_command
from orchestrator.cli.migrate import migrate_command
from orchestrator.cli.preview import preview_command
from orchestrator.cli.running import show
from orchestrator.cli.serve import serve_command
from orchestrator.cli.validate import validate_command

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("generate")(generate_command)
app.command("preview")(preview_command)
app.command("serve")(serve_command)
app.command("doctor")(doctor_command)
app.command("validate")(validate_command)
app.command("migrate")(migrate_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        show(metadata.version("lipsync"))
        raise typer.Exit


@app.callback()
def describe(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """A video of a person saying a recording: models on NVIDIA Triton, frames streamed to it."""
