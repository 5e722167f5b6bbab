"""``python -m benchmarks.quality``: versions of the renderer, side by side with the source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks.quality import table
from benchmarks.quality.details import details
from benchmarks.quality.graphs import Graph
from benchmarks.quality.measure import Figures, measure
from benchmarks.quality.mouth import Judge
from client.errors import LipSyncError

ROOT: Final = Path(__file__).parents[2]
MODELS: Final = ROOT / "model_repository"
SAMPLE: Final = (ROOT / "tests/data/portrait.mp4", ROOT / "tests/data/speech.wav")
MEDIA: Final = ROOT.parent / "shared" / "media"
CLIPS, RECORDINGS = ("v01*", "v02*", "v06*"), ("a02*", "a07*")


def pairs_in(media: Path) -> Iterator[tuple[Path, Path]]:
    """The shipped sample, and every clip in a folder with the shipped speech and its recordings."""
    yield SAMPLE
    for clip in _found(media, CLIPS):
        for speech in (SAMPLE[1], *_found(media, RECORDINGS)):
            yield clip, speech


def _found(media: Path, names: tuple[str, ...]) -> list[Path]:
    return sorted(path for name in names for path in media.glob(name))


def chosen(versions: list[int] | None, files: list[Path] | None) -> list[Graph]:
    """Loads the versions and files to compare; all versions if none is named."""
    folder = MODELS / "landmark2face"
    wanted = [folder / str(version) / "model.onnx" for version in versions or []] + (files or [])
    return [Graph(path) for path in wanted or sorted(folder.glob("[0-9]*/model.onnx"))]


def main(
    version: Annotated[
        list[int] | None, typer.Option(help="Version of landmark2face; all by default.")
    ] = None,
    graph: Annotated[
        list[Path] | None, typer.Option(help="An ONNX file of it that is no version yet.")
    ] = None,
    clip: Annotated[
        Path | None, typer.Option(help="Only this clip or photo, with --speech.")
    ] = None,
    speech: Annotated[Path | None, typer.Option(help="Only this recording, with --clip.")] = None,
    media: Annotated[Path, typer.Option(help="Folder with more clips and recordings.")] = MEDIA,
    seconds: Annotated[float, typer.Option(help="How much of each pair to measure.")] = 6.0,
    sheets: Annotated[Path | None, typer.Option(help="Folder for pictures of the mouths.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="JSON file to write.")] = None,
) -> None:
    """Measure how convincing the faces of some versions of the renderer are."""
    pairs = [(clip, speech or SAMPLE[1])] if clip else list(pairs_in(media))
    results: dict[str, Mapping[str, Figures]] = {}
    try:
        graphs = chosen(version, graph)
        judge = Judge(MODELS)
        for picture, sound in pairs:
            name = f"{picture.stem[: 3 if picture.parent == media else None]} {sound.stem[:3]}"
            results[name], known, gallery = measure(picture, sound, graphs, seconds, judge)
            typer.echo(table.of_pair(name, results[name], known=known))
            if sheets:
                sheets.mkdir(parents=True, exist_ok=True)
                gallery.save(sheets / f"{name.replace(' ', '-')}.png")
        typer.echo(details(*SAMPLE, graphs))
    except LipSyncError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(table.of_aims(results))
    if as_json:
        figures = {n: {v: asdict(f) for v, f in found.items()} for n, found in results.items()}
        as_json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
