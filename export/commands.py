"""The commands: one for each family, and one that says which family a file is of."""

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from export.exporting import export
from export.families import families
from export.family import Family
from export.recognise import identify
from export.request import Request
from export.steps import Steps

_GIB = 2**30
_HELP = """Turn weights of your own into versions of served models.

A checkpoint is read without running anything that it holds, built as the network that it belongs
to, written for a server, compared number by number, and published beside what is served.

Which family is it? python -m export identify FILE
"""


class FormatName(StrEnum):
    """What a server gets."""

    onnx = "onnx"
    torchscript = "torchscript"


class PrecisionName(StrEnum):
    """In what a network computes."""

    fp32 = "fp32"
    fp16 = "fp16"


CheckpointFile = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="The weights: a file of torch.save, a TorchScript archive or an ONNX file.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="YAML that tells what the weights alone do not; docs/export.md lists the keys.",
    ),
]
FormatOption = Annotated[
    FormatName,
    typer.Option(
        "--format", help="onnx runs on both servers at once; torchscript needs torch there."
    ),
]
PrecisionOption = Annotated[
    PrecisionName,
    typer.Option(
        help="fp16 halves size and, on a GPU, time. Images and spectra stay in float32; numbers "
        "may be 2e-3 off."
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        help="Name of the served model, where it is to stand beside the one of the family's own "
        "name; a profile in configs/ has to name it.",
        show_default=False,
    ),
]
RepositoryFolder = Annotated[
    Path, typer.Option(metavar="DIR", help="Model repository that gets the next free version.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Do everything, print the figures, publish nothing.")
]
MaxSize = Annotated[
    float, typer.Option("--max-size-gib", help="Refuse larger checkpoints, as files and unpacked.")
]
KeepCore = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Keep the network inside the model, as written, here."),
]

_REPOSITORY = Path("model_repository")


def application() -> typer.Typer:
    """Returns the command line; its families are those that are there."""
    app = typer.Typer(help=_HELP, no_args_is_help=True, add_completion=False)
    for family in families():
        make = _adopt_command if family.name == "adopt" else _family_command
        app.command(family.name, help=_help_of(family))(make(family))
    app.command("identify")(identify_command)
    return app


def identify_command(
    file: Annotated[Path, typer.Argument(help="A checkpoint.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    max_size_gib: MaxSize = 8,
) -> None:
    """Say of which family a checkpoint is; nothing in it is run."""
    family = identify(file, int(max_size_gib * _GIB))
    if as_json:
        data = {"file": str(file), "family": family.name, "role": family.role}
        typer.echo(json.dumps(data))
    else:
        typer.echo(f"{file} is {family.title}: python -m export {family.name} --checkpoint {file}")


def _help_of(family: Family) -> str:
    what = f"Export {family.title}." if family.needs_checkpoint else f"Make {family.title}."
    role = f" It fills the role {family.role}." if family.role else ""
    return what + role


def _family_command(family: Family) -> Callable[..., None]:
    def command(
        checkpoint: CheckpointFile = None,
        config: ConfigFile = None,
        format_: FormatOption = FormatName.onnx,
        precision: PrecisionOption = PrecisionName.fp32,
        model_name: ModelName = None,
        repository: RepositoryFolder = _REPOSITORY,
        dry_run: DryRun = False,
        max_size_gib: MaxSize = 8,
        keep_core: KeepCore = None,
    ) -> None:
        _run(
            Request(
                family=family,
                checkpoint=checkpoint,
                config=config,
                repository=repository,
                format=format_.value,
                precision=precision.value,
                model_name=model_name,
                is_dry_run=dry_run,
                max_bytes=int(max_size_gib * _GIB),
                keep_core=keep_core,
            )
        )

    return command


def _adopt_command(family: Family) -> Callable[..., None]:
    def command(
        checkpoint: CheckpointFile = None,
        role: Annotated[
            str | None,
            typer.Option(help="The role whose contract the model keeps.", show_default=False),
        ] = None,
        config: Annotated[
            Path | None,
            typer.Option(
                "--config",
                "--manifest-from",
                metavar="FILE",
                help="YAML with what the file does not say: feature_kind, crop, window, paste, "
                "source, licence; for TorchScript inputs and outputs, too.",
            ),
        ] = None,
        model_name: ModelName = None,
        repository: RepositoryFolder = _REPOSITORY,
        dry_run: DryRun = False,
        max_size_gib: MaxSize = 8,
    ) -> None:
        _run(
            Request(
                family=family,
                checkpoint=checkpoint,
                config=config,
                repository=repository,
                model_name=model_name,
                is_dry_run=dry_run,
                max_bytes=int(max_size_gib * _GIB),
                settings={"role": role} if role is not None else {},
            )
        )

    return command


def _run(request: Request) -> None:
    steps = Steps(Console(stderr=True))
    result = export(request, steps)
    if result.folder is None:
        typer.echo(f"All is well; {request.model} in {request.repository} was left as it is.")
    else:
        typer.echo(f"{result.folder} is published; a server has it once it loads the model again.")
