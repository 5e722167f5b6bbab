"""Several jobs on one server against one alone: ``python -m benchmarks.sharing``.

After a warm-up job, one job alone and several at once take turns on one ``orchestrator serve``, all
with the same clip and recording. Two rates are told: of whole commands, from the first start to the
last end, with the start of each process in it; and by the jobs' own stage times, from when the
first of them set to work.
Stated limits, both by stage times: together they make at least 0.95 times the frames per second of
one alone, and the slowest of them takes at most 1.3 times as long as the fastest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Annotated, Final

import typer

from benchmarks.commands import (
    DATA,
    Command,
    CommandError,
    generate_arguments,
    serving,
    wait_for,
)

RATIO_LIMIT: Final = 0.95
SPREAD_LIMIT: Final = 1.3
JOB_TIMEOUT_S: Final = 600.0


@dataclass(frozen=True)
class Done:
    """One job: its frames, seconds of its stages, and when it ended on a monotonic clock."""

    frames: int
    stages_s: float
    ended_s: float


@dataclass(frozen=True)
class Turn:
    """Jobs that ran at once.

    Attributes:
        jobs: Each of them.
        wall_s: From the first start to the last end.
    """

    jobs: list[Done]
    wall_s: float

    @property
    def frames(self) -> int:
        """Of all of them."""
        return sum(job.frames for job in self.jobs)

    @property
    def command_fps(self) -> float:
        """Frames of all per second, with the start of the processes."""
        return self.frames / self.wall_s

    @property
    def stage_fps(self) -> float:
        """Frames of all per second, from when the first set to work to the last end."""
        begun_s = min(job.ended_s - job.stages_s for job in self.jobs)
        return self.frames / (max(job.ended_s for job in self.jobs) - begun_s)

    @property
    def spread(self) -> float:
        """The slowest job's time over the fastest one's."""
        times_s = [job.stages_s for job in self.jobs]
        return max(times_s) / min(times_s)


def run_together(count: int, url: str, folder: Path) -> Turn:
    """Runs some jobs at once.

    Raises:
        CommandError: If one fails or does not end.
    """
    started_s = monotonic()
    with ExitStack() as stack:
        jobs = [_start(number, url, folder) for number in range(count)]
        for job in jobs:
            stack.callback(job.stop)
        ended_s: dict[str, float] = {}

        def all_ended() -> bool:
            for job in jobs:
                if job.status is not None:
                    ended_s.setdefault(job.name, monotonic())
            return len(ended_s) == count

        wait_for(all_ended, JOB_TIMEOUT_S, "the end of all jobs")
        done = [_result(job, ended_s[job.name]) for job in jobs]
    return Turn(done, max(ended_s.values()) - started_s)


def _start(number: int, url: str, folder: Path) -> Command:
    output = folder / f"{number}.mp4"
    video, audio = DATA / "portrait.mp4", DATA / "speech.wav"
    return Command(generate_arguments(video, audio, output, url, "--json"), folder, f"job{number}")


def _result(job: Command, ended_s: float) -> Done:
    if job.status != 0:
        raise CommandError(f"a job failed: {job.complaint.strip()}")
    report = json.loads(job.printed)
    stages_s = sum(s for stage, s in report["stages_s"].items() if stage != "server")
    return Done(report["frames"], stages_s, ended_s)


def tell(title: str, turn: Turn) -> None:
    """Prints one turn."""
    times_s = " ".join(f"{job.stages_s:.1f}" for job in turn.jobs)
    typer.echo(
        f"{title:10} {turn.command_fps:7.1f} fps of commands {turn.stage_fps:7.1f} fps of stages  "
        f"stages {times_s} s, slowest / fastest {turn.spread:.2f}"
    )


def summarise(alone: Sequence[Turn], together: Sequence[Turn]) -> bool:
    """Prints the medians and returns whether they keep the limits."""
    one, all_of_them = (median(turn.stage_fps for turn in turns) for turns in (alone, together))
    started, all_started = (
        median(turn.command_fps for turn in turns) for turns in (alone, together)
    )
    ratio, spread = all_of_them / one, median(turn.spread for turn in together)
    typer.echo(f"with the start of the processes: {started:.1f} fps one, {all_started:.1f} fps all")
    typer.echo(f"by their own stage times:        {one:.1f} fps one, {all_of_them:.1f} fps all")
    typer.echo(
        f"all / one {ratio:.2f} by stage times (limit {RATIO_LIMIT}), "
        f"{all_started / started:.2f} with the start"
    )
    typer.echo(f"slowest / fastest {spread:.2f} (limit {SPREAD_LIMIT})")
    return ratio >= RATIO_LIMIT and spread <= SPREAD_LIMIT


def measure(jobs: int, repeats: int, folder: Path) -> tuple[list[Turn], list[Turn]]:
    """Lets one job and several take turns; returns the turns of one, and of several."""
    alone, together = [], []
    with serving(folder) as (_, url):
        run_together(1, url, folder)  # the first job meets cold caches
        for _ in range(repeats):
            alone.append(run_together(1, url, folder))
            tell("one", alone[-1])
            together.append(run_together(jobs, url, folder))
            tell(f"{jobs} at once", together[-1])
    return alone, together


def main(
    jobs: Annotated[int, typer.Option(min=2, help="How many jobs at once.")] = 4,
    repeats: Annotated[int, typer.Option(min=1, help="Turns of each.")] = 3,
) -> None:
    """Measure what sharing a server costs."""
    with TemporaryDirectory() as folder:
        try:
            alone, together = measure(jobs, repeats, Path(folder))
        except CommandError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
    raise typer.Exit(not summarise(alone, together))


if __name__ == "__main__":
    typer.run(main)
