"""The old failure against the old design and against ours: ``python -m benchmarks.replay``.

The old design is rebuilt from descriptions of its behaviour (`old/`): processes joined by queues,
one consumer that holds the model, a producer that gives up after 60 s and tells nobody. Ours are
the real commands `serve` and `generate`. Both make the same frames of the shipped sample with the
same renderer, one frame a batch, and meet the same faults:

- slow: a batch takes `--batch-s` longer;
- hung: the batch of the 20th frame never ends;
- killed-model: SIGKILL of the process that runs the model, in the midst of the job;
- killed-server: SIGKILL of the server in the midst of the job; the old design's is the consumer
  while it loads its model, before it takes anything.

A batch takes 0.1 s longer where it is not slow, so that the blow meets the job in its midst. A job
has a deadline, since the old one never ends when it jams: 30 s and, for each frame, what its batch
takes longer and 0.5 s; then the 60 s after which the old producer gives up; then 30 s. Memory is
that of all processes together, each second, without the pages of files.

Stated limits, of ours: every job writes all its frames and ends without an error, but for a hung
model, where the job ends within 15 s of the hang (`--stall-timeout` is 10 s, of job and server) by
an error of its own kind that names model and stage; the job after it finishes; and memory does not
grow by more than 1 MB a minute in the second half of a slow job, where that half takes 4 min at
least. The old design has no limit to break.

Every replay is written when it is done; `--resume` leaves out those that the file already has.
"""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final, Literal, TypeAlias

import typer

from benchmarks.commands import CommandError, heed_interrupts
from benchmarks.replay.cases import CLIP_FRAMES, HANG_AT, Case, Design, Setting
from benchmarks.replay.outcome import Outcome, broken_limits, remarks, table
from benchmarks.replay.replay_new import replay_new
from benchmarks.replay.replay_old import replay_old

REPLAYS: Final = {Design.OLD: replay_old, Design.NEW: replay_new}
CaseChoice: TypeAlias = Literal["slow", "hung", "killed-model", "killed-server", "all"]
DesignChoice: TypeAlias = Literal["old", "new", "both"]


def load(path: Path) -> list[Outcome]:
    """Reads the replays of a file; none where there is no file."""
    if not path.is_file():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))["replays"]
    return [
        Outcome(**{**row, "case": Case(row["case"]), "design": Design(row["design"])})
        for row in rows
    ]


def save(path: Path, outcomes: list[Outcome]) -> None:
    """Writes replays to a file, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    broken = [f"{one.case}: {words}" for one in outcomes for words in broken_limits(one)]
    document = {"replays": [asdict(one) for one in outcomes], "broken": broken}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")
    part.replace(path)


def replay(setting: Setting, design: Design) -> Outcome:
    """Plays one case against one design; what does not even start is an outcome, too."""
    typer.echo(f"{setting.case} {design}: at most {2 * setting.deadline_s:.0f} s", err=True)
    with TemporaryDirectory(prefix="replay-") as folder:
        try:
            return REPLAYS[design](setting, Path(folder))
        except CommandError as error:
            outcome = Outcome.of(setting, design)
            outcome.end = outcome.next_job = str(error)
            return outcome


def report(outcomes: list[Outcome]) -> bool:
    """Prints the table and what goes with it; returns whether all limits hold."""
    typer.echo(table(outcomes))
    typer.echo("")
    for line in (line for outcome in outcomes for line in remarks(outcome)):
        typer.echo(f"- {line}")
    broken = [(outcome, words) for outcome in outcomes for words in broken_limits(outcome)]
    for outcome, words in broken:
        typer.echo(f"- LIMIT BROKEN, {outcome.case}: {words}")
    return not broken


def end_in_order() -> None:
    """Lets SIGTERM and Ctrl-C clean up what was started."""
    heed_interrupts()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def main(
    case: Annotated[CaseChoice, typer.Option(help="What goes wrong.")] = "all",
    design: Annotated[DesignChoice, typer.Option(help="Who bears it.")] = "both",
    frames: Annotated[int, typer.Option(min=HANG_AT + 1, max=CLIP_FRAMES)] = CLIP_FRAMES,
    batch_s: Annotated[float, typer.Option(min=0, help="Of slow: seconds of a batch.")] = 5.0,
    out: Annotated[Path, typer.Option(help="Every replay as JSON.")] = Path("out/replay.json"),
    *,
    resume: Annotated[bool, typer.Option("--resume", help="Leave out what is done.")] = False,
) -> None:
    """Replay faults against the old design and against ours."""
    end_in_order()
    known = {outcome.key: outcome for outcome in load(out)}
    played = []
    for fault in Case if case == "all" else [Case(case)]:
        for who in Design if design == "both" else [Design(design)]:
            setting = Setting(fault, frames, batch_s)
            key = Outcome.of(setting, who).key
            if not (resume and key in known):
                known[key] = replay(setting, who)
                save(out, list(known.values()))
            played.append(known[key])
    raise typer.Exit(not report(played))


if __name__ == "__main__":
    typer.run(main)
