"""Kills and stops in the midst of jobs: ``python -m benchmarks.chaos``.

Each round starts the real commands, strikes one of their processes by a signal at a random moment,
and looks at what comes of it. Stated limits: the job makes the whole video, as an undisturbed one
does, or ends with one line that says why and no video; no round outlives its deadline; and once
all is asked to stop, no process, no shared memory and no file is left of it. A server whose owner
and guardian are killed together may stay until the next one starts.

Empty folders ``/tmp/python_env_??????`` are Triton's own and are told apart: whose they are, nobody
can tell.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Final

import typer

from benchmarks.chaos.media import Job, make_recording, read_video
from benchmarks.chaos.plan import Plan, Way, draw
from benchmarks.chaos.rounds import Outcome, Round
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.table import table
from benchmarks.chaos.traces import backend_folders
from benchmarks.commands import DATA, CommandError, heed_interrupts

VIDEO: Final = DATA / "portrait.mp4"
PREFIX: Final = "chaos-"
"""No server's private folder is named like that: nobody sweeps it away."""


def undisturbed(folder: Path, way: Way, audio: Path, deadline_s: float) -> tuple[Path, float]:
    """Runs a job that nobody disturbs; returns its video and its seconds.

    Raises:
        CommandError: If it fails.
    """
    stage = Stage(folder, deadline_s)
    try:
        url = stage.serve()[1] if way == "shared" else None
        job = stage.generate(VIDEO, audio, url)
        if stage.wait_end(job) != 0:
            raise CommandError(f"an undisturbed job failed: {job.complaint.strip()}")
        return stage.output(job), time.monotonic() - job.started_s
    finally:
        stage.clear()


def prepare(folder: Path, deadline_s: float) -> tuple[Job, dict[Way, float]]:
    """Makes the job and measures its usual length, in seconds, for each way of running."""
    audio = make_recording(folder / "speech.wav")
    video, shared_s = undisturbed(folder / "shared", "shared", audio, deadline_s)
    _, own_s = undisturbed(folder / "own", "own", audio, deadline_s)
    pictures, samples = read_video(video)
    return Job(VIDEO, audio, pictures, samples), {"own": own_s, "shared": shared_s}


def play(plan: Plan, job: Job, usual_s: float, folder: Path, deadline_s: float) -> Outcome:
    """Plays one round; its folder stays where something went wrong."""
    outcome = Round(plan, job, usual_s, Stage(folder, deadline_s)).play()
    if not outcome.violations:
        shutil.rmtree(folder)
    return outcome


def tell(outcome: Outcome) -> None:
    """Prints one round."""
    met = "" if outcome.landed else " (missed)"
    words = f": {outcome.words}" if outcome.words else ""
    recovered = "" if outcome.recovered_s is None else f", recovered in {outcome.recovered_s:.1f} s"
    typer.echo(
        f"{outcome.plan.number:4} {outcome.plan}{met}: {outcome.ending}{recovered}, "
        f"{outcome.seconds:.1f} s{words}"
    )
    for violation in outcome.violations:
        typer.echo(f"     VIOLATION {violation}")


def summarise(outcomes: list[Outcome], seed: int, folders: int) -> bool:
    """Prints the table and how to repeat what went wrong; returns whether nothing did."""
    typer.echo(table(outcomes))
    bad = [outcome for outcome in outcomes if outcome.violations]
    for outcome in bad:
        typer.echo(f"again: python -m benchmarks.chaos --seed {seed} --only {outcome.plan.number}")
    typer.echo(f"python_env folders in /tmp since the start, of everybody: {folders}")
    typer.echo(f"{len(bad)} of {len(outcomes)} rounds broke a limit")
    return not bad


def save(path: Path, outcomes: list[Outcome], seed: int, usual_s: dict[Way, float]) -> None:
    """Writes every round as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rounds = [asdict(outcome) | {"violations": outcome.violations} for outcome in outcomes]
    document = {"seed": seed, "usual_s": usual_s, "rounds": rounds}
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder that stays if rounds left theirs in it."""
    folder = Path(mkdtemp(prefix=PREFIX))
    try:
        yield folder
    finally:
        for made in ("shared", "own"):
            shutil.rmtree(folder / made, ignore_errors=True)
        (folder / "speech.wav").unlink(missing_ok=True)
        if any(folder.iterdir()):
            typer.echo(f"the folders of rounds that broke a limit are in {folder}")
        else:
            folder.rmdir()


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds.")] = 100,
    seed: Annotated[int, typer.Option(help="What the rounds are drawn from.")] = 1,
    only: Annotated[int | None, typer.Option(help="Play this round of the seed alone.")] = None,
    deadline_s: Annotated[float, typer.Option(min=10, help="Seconds until a round hangs.")] = 120.0,
    out: Annotated[Path, typer.Option(help="Every round as JSON.")] = Path("out/chaos.json"),
) -> None:
    """Strike processes in the midst of jobs and look at what comes of it."""
    heed_interrupts()
    before = backend_folders()
    outcomes: list[Outcome] = []
    with workplace() as folder:
        try:
            job, usual_s = prepare(folder, deadline_s)
        except CommandError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
        typer.echo(f"undisturbed: {usual_s['own']:.1f} s alone, {usual_s['shared']:.1f} s beside")
        for number in range(rounds) if only is None else [only]:
            plan = draw(seed, number)
            place = folder / str(number)
            outcomes.append(play(plan, job, usual_s[plan.way], place, deadline_s))
            tell(outcomes[-1])
            save(out, outcomes, seed, usual_s)
    passed = summarise(outcomes, seed, len(backend_folders() - before))
    raise typer.Exit(not passed)


if __name__ == "__main__":
    typer.run(main)
