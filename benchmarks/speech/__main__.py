"""``python -m benchmarks.speech``: what versions of the speech encoder hear, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import typer

from benchmarks.speech import aligner, curves, mandarin
from benchmarks.speech.encoder import HOP, Encoder
from benchmarks.speech.recordings import recordings
from benchmarks.speech.scores import Scores, score
from benchmarks.speech.synthetic import Speech, degraded, labels_of, spoken_sets
from client.errors import LipSyncError

ROOT: Final = Path(__file__).parents[2]
LARGEST_MB, SLOWEST_MS = 10.0, 60.0
NEW_SPEAKERS: Final = ("flite-rms-0", "flite-awb-0")
HEAD: Final = (
    f"{'':44}{'group':>7}{' (95 %)':14}{'clear':>7}{'opening':>9}{'smooth':>8}"
    f"{'shut':>6}{'of':>5}{'wrongly':>9}{'quiet':>7}{'lag':>5}"
)


def row(name: str, found: Scores) -> str:
    """One line of the table."""
    low, high = found.group_range
    return (
        f"{name:44}{found.group:7.3f} ({low:.3f}–{high:.3f}){found.clear:7.3f}"
        f"{found.opening:9.3f}{found.smoothed:8.3f}{found.shut:6.2f}{found.events:5}"
        f"{found.wrongly_shut:9.3f}{found.quiet:7.2f}{found.lag:5}"
    )


def tests(corpus: Path, media: Path) -> Iterator[Speech]:
    """All tests whose sounds are timed: of the synthesisers, degraded ones, and of people."""
    for speech in spoken_sets(corpus):
        yield speech
        changed = degraded(speech) if speech.name in NEW_SPEAKERS else None
        if changed:
            yield changed
    for sentence, samples in recordings(media):
        if sentence.english:
            segments = aligner.align(samples, sentence.english)
            yield Speech(sentence.file[:30], samples, labels_of(segments, len(samples) // HOP))


def compare(
    encoders: dict[str, Encoder], tested: Iterator[Speech], say: Callable[[str], None]
) -> tuple[dict[str, dict[str, Scores]], list[curves.Picture]]:
    """Scores every encoder on every test, and draws the worst moments of each."""
    results: dict[str, dict[str, Scores]] = {}
    pictures: list[curves.Picture] = []
    say(HEAD)
    for speech in tested:
        tracks = {name: encode(speech.samples) for name, encode in encoders.items()}
        results[speech.name] = {n: score(t, speech.labels) for n, t in tracks.items()}
        for name, found in results[speech.name].items():
            say(row(f"{speech.name}: {name}", found))
        pictures.append(curves.draw(speech.name, tracks, speech.labels))
    return results, pictures


def hear_mandarin(encoders: dict[str, Encoder], media: Path) -> dict[str, tuple[float, float]]:
    """Edits per sound of a Mandarin sentence, as heard and in any order."""
    errors: dict[str, tuple[float, float]] = {}
    for sentence, samples in recordings(media):
        if sentence.pinyin:
            wanted = mandarin.groups_of(sentence.pinyin)
            for name, encode in encoders.items():
                found = mandarin.heard(encode(samples))
                shuffled = mandarin.shuffled_error(found, wanted)
                errors[name] = (mandarin.error(found, wanted), shuffled)
    return errors


def costs(paths: dict[str, Path], encoders: dict[str, Encoder]) -> dict[str, tuple[float, float]]:
    """Size in MB, and time in ms for ten seconds of speech on one thread."""
    return {n: (paths[n].stat().st_size / 1e6, encoders[n].cost_ms()) for n in encoders}


def names_of(graphs: list[Path]) -> dict[str, Path]:
    """Names graphs by their version, or by their file."""
    return {p.parent.name if p.name == "model.onnx" else p.stem: p for p in graphs}


def main(
    graphs: Annotated[
        list[Path] | None, typer.Argument(help="ONNX files; every version of wenet if none.")
    ] = None,
    corpus: Annotated[Path, typer.Option(help="Folder that `synthesise` filled.")] = ROOT
    / "out"
    / "wenet"
    / "corpus",
    media: Annotated[Path, typer.Option(help="Folder with recordings of people.")] = ROOT.parent
    / "shared"
    / "media",
    plot: Annotated[Path | None, typer.Option(help="PNG file for the mouth curves.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="JSON file to write.")] = None,
) -> None:
    """Compare what speech encoders hear; later graphs are drawn over earlier ones."""
    chosen = graphs or sorted((ROOT / "model_repository" / "wenet").glob("[0-9]*/model.onnx"))
    paths = names_of(chosen)
    try:
        encoders: dict[str, Encoder] = {name: Encoder(path) for name, path in paths.items()}
        results, pictures = compare(encoders, tests(corpus, media), typer.echo)
        errors = hear_mandarin(encoders, media)
    except LipSyncError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    for name, (found, shuffled) in errors.items():
        typer.echo(f"Mandarin: {name}: {found:.2f} edits for each sound ({shuffled:.2f} shuffled)")
    for name, (size_mb, time_ms) in costs(paths, encoders).items():
        typer.echo(
            f"cost: {name}: {size_mb:.2f} MB (limit {LARGEST_MB:g}), {time_ms:.0f} ms for 10 s of "
            f"speech on one thread (limit {SLOWEST_MS:g})"
        )
    if plot:
        cv2.imwrite(str(plot), np.concatenate(pictures))
    if as_json:
        rows = {t: {n: asdict(s) for n, s in by.items()} for t, by in results.items()}
        as_json.write_text(json.dumps({"tests": rows, "mandarin": errors}, indent=2))


if __name__ == "__main__":
    typer.run(main)
