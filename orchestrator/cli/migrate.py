"""`orchestrator migrate`: the weights of a HeyGem installation, and how they get here."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from orchestrator.cli.running import printable, show
from orchestrator.migration.find import Weights, look_at, weight_files
from orchestrator.migration.plan import Plan, plan
from orchestrator.migration.write import PROFILE, SCRIPT, write
from orchestrator.settings import home


def migrate_command(
    installation: Annotated[
        Path,
        typer.Argument(
            help="Folder of a HeyGem, Duix, DINet or Wav2Lip installation.",
            metavar="PATH",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option(help=f"Folder for {SCRIPT} and {PROFILE}.", metavar="DIR")
    ] = Path("migration"),
    repository: Annotated[
        Path | None,
        typer.Option(
            help="Model repository that the weights go to; the project's own by default.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Find the weights of an installation and write down how they become served models.

    Files are known by what they hold, not by their names; nothing in them is run, and the
    installation is left as it is. The script exports them; the profile makes jobs use them.

    Example: orchestrator migrate ~/heygem && sh migration/export.sh
    """
    root = installation.resolve()
    found = _looked_at(weight_files(root))
    made = plan(found, (repository or home() / "model_repository").resolve())
    write(made, output)
    if as_json:
        show(json.dumps(_data(found, made), indent=2, ensure_ascii=False))
    else:
        show("\n".join(map(printable, _lines(root, found, made, output))))


def _looked_at(paths: list[Path]) -> list[Weights]:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("looking at weights", total=len(paths))
        return look_at(paths, lambda: progress.advance(task))


def _lines(root: Path, found: Sequence[Weights], made: Plan, output: Path) -> list[str]:
    exported = {step.weights: step.model for step in made.steps}
    lines = [f"{len(found)} files under {root} may hold weights:"]
    for weights in found:
        fate = f" → {exported[weights]}" if weights in exported else _fate(weights)
        size_mb = weights.size_bytes / 1e6
        lines.append(
            f"  {weights.path.relative_to(root)} ({size_mb:.1f} MB): {weights.title}{fate}"
        )
    lines += ["", *made.warnings()]
    lines += [f"Export them:  sh {output / SCRIPT}"]
    lines += [f"Use them:     orchestrator generate --profile {output / PROFILE} …"]
    return lines


def _fate(weights: Weights) -> str:
    return " → not needed beside the others" if weights.family else ""


def _data(found: Sequence[Weights], made: Plan) -> dict[str, Any]:
    exported = {step.weights: step.model for step in made.steps}
    return {
        "weights": [
            {
                "file": str(weights.path),
                "bytes": weights.size_bytes,
                "family": weights.family.name if weights.family else None,
                "title": weights.title,
                "model": exported.get(weights),
            }
            for weights in found
        ],
        "commands": [list(step.command) for step in made.steps],
        "warnings": made.warnings(),
    }
