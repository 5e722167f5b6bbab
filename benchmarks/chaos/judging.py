"""What became of a command, and whether that is one of the endings that a user may meet."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from benchmarks.chaos.media import Job
from benchmarks.chaos.plan import Plan

Ending: TypeAlias = Literal["finished", "failed", "stopped", "wrong"]
"""Failed: with one line that says why. Stopped: by the signal that it was sent."""

SIGNAL_BASE: Final = 128
_ONE_LINE = re.compile(r"error: [^\n]+\n?")


@dataclass(frozen=True)
class Verdict:
    """An ending and its words: the error's line, or what is wrong."""

    ending: Ending
    words: str = ""


def judge_job(status: int, complaint: str, output: Path, job: Job, blow: str | None) -> Verdict:
    """Judges a job that has ended.

    Args:
        status: Its exit status, negative for a signal.
        complaint: What it wrote to standard error.
        output: The video that it was to make.
        job: What the video must be.
        blow: The signal that it was sent itself; None if others were struck.
    """
    fault = job.fault_of(output) if output.exists() else None
    if fault:
        return Verdict("wrong", fault)
    if status == 0:
        found = output.exists()
        return Verdict("finished") if found else Verdict("wrong", "status 0 and no video")
    verdict = judge_failure(status, complaint, blow)
    is_told = "the result was written before" in complaint  # a signal can meet it after its work
    if output.exists() and status > 0 and not is_told:
        return Verdict("wrong", f"status {status} ({complaint.strip()}) and yet a video")
    return verdict


def judge_server(status: int, complaint: str, blow: str | None, *, asked: bool) -> Verdict:
    """Judges `orchestrator serve` after its end; `asked`: it was told to end by SIGTERM."""
    if status == 0 and (asked or blow in ("SIGTERM", "SIGINT")):
        return Verdict("stopped")
    if status == 0:
        return Verdict("wrong", "serve ended by itself as if all were well")
    return judge_failure(status, complaint, "SIGTERM" if asked and blow is None else blow)


def judge_failure(status: int, complaint: str, blow: str | None) -> Verdict:
    """Judges an exit status other than 0 and the words that came with it."""
    number = signal.Signals[blow] if blow else None
    if number is not None and status == -number:
        return Verdict("stopped", complaint.strip())
    is_line = _ONE_LINE.fullmatch(complaint) is not None
    if number is not None and status == SIGNAL_BASE + number and (is_line or not complaint):
        return Verdict("stopped", complaint.strip())
    if not is_line:
        return Verdict("wrong", f"status {status} without one line of error: {complaint.strip()!r}")
    if status == 1:
        return Verdict("failed", complaint.strip())
    return Verdict("wrong", f"status {status}: {complaint.strip()}")


def struck(plan: Plan, command: str) -> str | None:
    """Returns the signal that a command is sent in a round; None if it is sent none."""
    return plan.blow if command in plan.victim.split(" and ") else None
