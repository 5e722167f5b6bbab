"""One fault replayed against this project's own commands."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.commands import Command, CommandError, ready_url, serve_arguments
from benchmarks.replay.cases import STALL_S, Case, Design, Setting
from benchmarks.replay.events import Events, resumed_s
from benchmarks.replay.media import VIDEO, count_frames, make_recording
from benchmarks.replay.outcome import FINISHED, Outcome
from benchmarks.replay.processes import MemoryWatch, Process, is_server, is_stub_of, tree
from benchmarks.replay.repository import MODEL, make_repository

POLL_S: Final = 0.1
START_TIMEOUT_S: Final = 300.0


@dataclass(frozen=True)
class Done:
    """One job that has ended, or was ended at its deadline.

    Attributes:
        end: What became of it, in its own words where it failed.
        frames: Frames of its video, or that were told as written where there is none.
        seconds: How long it took.
        ended_s: When it ended, on a monotonic clock.
        struck_s: When the fault met it, if one with a moment did.
        events: What it told.
    """

    end: str
    frames: int
    seconds: float
    ended_s: float
    struck_s: float | None
    events: Events


@dataclass
class Stage:
    """Where one case takes place.

    Attributes:
        server: The command that serves.
        job: The command that runs, or ran last.
    """

    setting: Setting
    folder: Path
    recording: Path
    fault_file: Path
    server: Command
    job: Command | None = None

    def play(self, name: str, *, faulty: bool) -> Done:
        """Runs a job until it ends or its deadline passes; kills what the case kills if `faulty`.

        Raises:
            CommandError: If nothing serves.
        """
        output = self.folder / f"{name}.mp4"
        job, events = self._start(name, output), Events(self.folder / f"{name}.err")
        struck_s = None
        try:
            while job.status is None and _age_s(job) < self.setting.deadline_s:
                time.sleep(POLL_S)
                events.read()
                if faulty and struck_s is None:
                    struck_s = self._strike(events)
            status, ended_s = job.status, time.monotonic()
        finally:
            job.stop()
        events.read()
        frames = count_frames(output) or events.done
        end = _ending(status, events)
        return Done(end, frames, ended_s - job.started_s, ended_s, struck_s, events)

    def _start(self, name: str, output: Path) -> Command:
        files = ["--video", VIDEO, "--audio", self.recording, "--output", output]
        url = ready_url(self.server, START_TIMEOUT_S)
        options = ["--url", url, "--stall-timeout", f"{STALL_S:g}", "--json"]
        self.job = Command(["generate", *map(str, files), *options], self.folder, name)
        return self.job

    def _strike(self, events: Events) -> float | None:
        """Kills at its moment; a batch that hangs has taken its order with it."""
        if self.setting.case is Case.HUNG:
            return None if self.fault_file.exists() else time.monotonic()
        if not self.setting.case.kills or events.done < self.setting.strike_at:
            return None
        victims = list(filter(self._is_victim, tree(self.server.pid)))
        for victim in victims:
            victim.kill()
        return time.monotonic() if victims else None

    def _is_victim(self, process: Process) -> bool:
        if self.setting.case is Case.KILLED_MODEL:
            return is_stub_of(process, MODEL)
        return is_server(process)


def replay_new(setting: Setting, folder: Path) -> Outcome:
    """Plays one case in a folder.

    Raises:
        CommandError: If the server does not start.
    """
    stage = make_stage(setting, folder)
    outcome = Outcome.of(setting, Design.NEW)
    roots = {
        "orchestrator": lambda: stage.job.pid if stage.job else None,
        "server": lambda: stage.server.pid,
    }
    try:
        ready_url(stage.server, START_TIMEOUT_S)
        with MemoryWatch(roots) as memory:
            describe(outcome, stage.play("first", faulty=True))
        for name, group in memory.groups.items():
            outcome.remember(name, group)
        outcome.peak_mb = memory.total.peak_mb
        stage.fault_file.unlink(missing_ok=True)
        outcome.next_job = _next_job(stage)
    finally:
        stage.server.stop()
    outcome.notes += [line for line in stage.server.complaint.splitlines() if line]
    return outcome


def make_stage(setting: Setting, folder: Path) -> Stage:
    """Makes what the jobs need, and starts the server."""
    fault_file = folder / "fault.json"
    setting.order.write(fault_file)
    repository = make_repository(folder / "repository", fault_file)
    recording = make_recording(folder / "speech.wav", setting.frames)
    options = ["--repository", str(repository), "--stall-timeout", f"{STALL_S:g}"]
    options += ["--log-file", str(folder / "server.log")]
    server = Command(serve_arguments(*options), folder, "serve")
    return Stage(setting, folder, recording, fault_file, server)


def describe(outcome: Outcome, done: Done) -> None:
    """Notes what became of the job that met the fault."""
    outcome.end, outcome.frames, outcome.seconds = done.end, done.frames, done.seconds
    outcome.error, outcome.stage = done.events.error, done.events.stage
    if done.struck_s is None:
        return
    if outcome.case is Case.HUNG:
        outcome.told_s = done.ended_s - done.struck_s
    else:
        outcome.recovered_s = resumed_s(done.events.marks, done.struck_s)


def _next_job(stage: Stage) -> str:
    """Runs another job, whose fault is gone."""
    try:
        done = stage.play("next", faulty=False)
    except CommandError as error:
        return str(error)
    if done.end != FINISHED:
        return done.end
    return f"{FINISHED}, {done.frames} frames in {done.seconds:.1f} s"


def _ending(status: int | None, events: Events) -> str:
    if status is None:
        return f"not done in time, at {events.stage} {events.done}"
    return FINISHED if status == 0 else events.message or f"exit status {status}"


def _age_s(command: Command) -> float:
    return time.monotonic() - command.started_s
