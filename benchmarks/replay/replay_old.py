"""One fault replayed against the old design."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.replay.cases import MARGIN_S, Case, Design, Setting
from benchmarks.replay.media import count_frames
from benchmarks.replay.old.service import OK
from benchmarks.replay.old.stages import FULL, GOT, SENT
from benchmarks.replay.old_service import OldService, State
from benchmarks.replay.outcome import FINISHED, Outcome
from benchmarks.replay.processes import MemoryWatch

POLL_S: Final = 0.1
LOAD_S: Final = 30.0
"""How much longer the model takes to load where it is killed while it does."""


@dataclass
class Run:
    """One job of the service, as it is watched.

    Attributes:
        seconds: From its start to now.
        moved_s: When the last frame was written, on a monotonic clock.
        struck_s: When the fault met it, if one with a moment did.
        state: The service's.
    """

    started_s: float
    moved_s: float
    state: State
    struck_s: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self.started_s

    def see(self, state: State) -> None:
        """Notes a state."""
        if state.written != self.state.written:
            self.moved_s = time.monotonic()
        self.state = state

    @property
    def ending(self) -> str:
        """What became of it."""
        if not self.state.busy:
            return FINISHED
        quiet_s = time.monotonic() - self.moved_s
        alive, dead = ", ".join(self.state.alive), ", ".join(self.state.dead)
        verdict = "jammed" if quiet_s >= MARGIN_S else "not done in time"
        return f"{verdict}: no frame for {quiet_s:.0f} s; alive: {alive}; dead: {dead or 'none'}"


def replay_old(setting: Setting, folder: Path) -> Outcome:
    """Plays one case in a folder.

    Raises:
        CommandError: If the service does not start, or does not answer.
    """
    fault_file, outcome = folder / "fault.json", Outcome.of(setting, Design.OLD)
    setting.order.write(fault_file)
    load_s = LOAD_S if setting.case is Case.KILLED_SERVER else 0.0
    with OldService(folder, fault_file, load_s) as service:
        with MemoryWatch({"service": lambda: service.pid}) as memory:
            service.submit("1", setting.frames)
            run = follow(service, setting, fault_file)
        _describe(outcome, run, service)
        fault_file.unlink(missing_ok=True)
        outcome.next_job = _next_job(service, setting, fault_file)
    outcome.peak_mb = memory.total.peak_mb
    outcome.remember("service", memory.groups["service"])
    return outcome


def follow(service: OldService, setting: Setting, fault_file: Path) -> Run:
    """Watches a job until it ends or its deadline passes, and kills what the case kills."""
    now_s = time.monotonic()
    run = Run(now_s, now_s, service.state())
    while run.state.busy and run.seconds < setting.deadline_s:
        time.sleep(POLL_S)
        run.see(service.state())
        if run.struck_s is None and is_due(setting, run.state, service, fault_file):
            run.struck_s = time.monotonic()
            if setting.case.kills:
                os.kill(run.state.pids["audio_transfer"], signal.SIGKILL)
    return run


def is_due(setting: Setting, state: State, service: OldService, fault_file: Path) -> bool:
    """Tells whether now is the moment of the blow, or whether a hanging batch has begun."""
    match setting.case:
        case Case.HUNG:
            return not fault_file.exists()
        case Case.KILLED_MODEL:
            return state.written >= setting.strike_at
        case Case.KILLED_SERVER:
            return service.counts()[SENT] > 0
        case Case.SLOW:
            return False


def _describe(outcome: Outcome, run: Run, service: OldService) -> None:
    outcome.end, outcome.seconds = run.ending, run.seconds
    finished = outcome.end == FINISHED
    outcome.frames = count_frames(service.output("1")) if finished else run.state.written
    counts = service.counts()
    told = f"; its log says {FULL}, its user is told nothing" if counts[FULL] else ""
    outcome.notes.append(f"{counts[SENT]} items sent, {counts[GOT]} taken{told}")


def _next_job(service: OldService, setting: Setting, fault_file: Path) -> str:
    """Hands in another job, whose fault is gone."""
    code, words = service.submit("2", setting.frames)
    if code != OK:
        return f"refused: {code} {words}"
    harmless = Setting(Case.SLOW, setting.frames, 0.0)
    run = follow(service, harmless, fault_file)
    if run.ending != FINISHED:
        return run.ending
    return f"{FINISHED}, {count_frames(service.output('2'))} frames in {run.seconds:.1f} s"
