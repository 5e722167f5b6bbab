"""``python -m benchmarks.sync VIDEO``: exit code 0 when the mouth is in sync, 1 when not."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks.sync import phonemes
from benchmarks.sync.faces import FaceMesher
from benchmarks.sync.opening import measure
from benchmarks.sync.scores import Scores, Verdict, judge
from client.errors import LipSyncError

ROOT: Final = Path(__file__).parents[2]
LABELS: Final = {
    "open_vowels": "opening in open vowels (eye distances)",
    "closures": "opening in m, b, p",
    "silence": "opening in silence",
    "effect_closures": "Cohen's d, open vowels over m, b, p",
    "effect_silence": "Cohen's d, open vowels over silence",
    "correlation": "correlation with the expected opening",
    "best_lag_s": "best lag of the mouth (s; + is late)",
    "best_correlation": "correlation at the best lag",
}


def table(verdict: Verdict) -> str:
    """Return the verdict as aligned text."""
    rows = [f"{'':42}{'as it is':>10}{f'{verdict.shift_s:+.2f} s':>10}"]
    for field in fields(Scores):
        aligned, control = (getattr(s, field.name) for s in (verdict.aligned, verdict.control))
        rows.append(f"{LABELS[field.name]:42}{aligned:10.3f}{control:10.3f}")
    return "\n".join([*rows, "in sync" if verdict.in_sync else "NOT in sync"])


def main(
    video: Annotated[Path, typer.Argument(help="The talking face to judge.")],
    phoneme_file: Annotated[
        Path, typer.Option("--phonemes", help="Times of the phonemes that it speaks.")
    ] = ROOT / "tests" / "data" / "speech.json",
    shift_s: Annotated[
        float, typer.Option("--shift", help="Shift of the control in seconds.")
    ] = 0.4,
    models: Annotated[
        Path, typer.Option(help="Model repository with face_detection and face_landmarks.")
    ] = ROOT / "model_repository",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure whether a mouth opens in open vowels and shuts in m, b and p."""
    try:
        speech = phonemes.load(phoneme_file)
        verdict = judge(measure(video, FaceMesher(models)), speech, shift_s)
    except LipSyncError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    typer.echo(json.dumps(asdict(verdict), indent=2) if as_json else table(verdict))
    raise typer.Exit(0 if verdict.in_sync else 1)


if __name__ == "__main__":
    typer.run(main)
