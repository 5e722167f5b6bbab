"""One round: a job, a blow in its midst, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.chaos.judging import Ending, Verdict, judge_job, judge_server, struck
from benchmarks.chaos.media import Job
from benchmarks.chaos.plan import Plan
from benchmarks.chaos.processes import running, strike, victims
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.traces import Traces
from benchmarks.commands import Command, CommandError

GRACE_S: Final = 10.0
RETRY_S: Final = 0.2


@dataclass
class Outcome:
    """What became of one round.

    Attributes:
        landed: Whether the blow met its victim while the job ran.
        ending: Of the job that ran meanwhile; None if it never ended.
        words: Its last words.
        recovered_s: How much longer than an undisturbed one it took if it finished; otherwise the
            time from the blow to the start of the first job that did, if one did.
        hang: What had not happened when the deadline passed.
        wrongs: Endings that no user should meet.
    """

    plan: Plan
    landed: bool = False
    ending: Ending | None = None
    words: str = ""
    recovered_s: float | None = None
    hang: str | None = None
    wrongs: list[str] = field(default_factory=list)
    traces: Traces = field(default_factory=Traces)
    seconds: float = 0.0

    @property
    def violations(self) -> list[str]:
        """Everything that should not have been."""
        hangs = [f"hang: {self.hang}"] if self.hang else []
        left = [
            f"left: {one}"
            for kind in (self.traces.processes, self.traces.shared_memory, self.traces.files)
            for one in kind
        ]
        return [*hangs, *self.wrongs, *left]


class Round:
    """Plays one plan."""

    def __init__(self, plan: Plan, job: Job, usual_s: float, stage: Stage) -> None:
        self._plan, self._job, self._usual_s, self._stage = plan, job, usual_s, stage
        self._outcome = Outcome(plan)
        self._struck_s = 0.0
        self._results: set[Path] = set()

    def play(self) -> Outcome:
        """Plays it to its end, or to its deadline, and clears the stage."""
        started_s = time.monotonic()
        try:
            self._play()
        except CommandError as error:
            self._outcome.hang = f"{error} [{self._stage.describe()}]"
        finally:
            self._stage.clear()
        self._outcome.seconds = time.monotonic() - started_s
        return self._outcome

    def _play(self) -> None:
        server, url = self._stage.serve() if self._plan.way == "shared" else (None, None)
        job = self._start_job(url)
        self._strike(job, server)
        verdict = self._judge(job, self._blow("generate"))
        ended_s = time.monotonic()
        self._outcome.ending, self._outcome.words = verdict.ending, verdict.words
        if verdict.ending == "finished":
            self._outcome.recovered_s = max(0.0, ended_s - job.started_s - self._usual_s)
        elif server is not None and url is not None:
            self._outcome.recovered_s = self._try_again(server, url)
        if server is not None:
            self._end(server)
        self._look()

    def _start_job(self, url: str | None) -> Command:
        return self._stage.generate(self._job.video, self._job.audio, url)

    def _strike(self, job: Command, server: Command | None) -> None:
        """Strikes at the moment, or when the victim appears after it."""
        due_s = job.started_s + self._plan.moment * self._usual_s
        commands = {"generate": job.pid} | ({"serve": server.pid} if server else {})
        found: list[int] = []

        def is_due() -> bool:
            if job.status is None and time.monotonic() >= due_s:
                found[:] = victims(self._plan, running(self._stage.temporary), commands)
            return bool(found) or job.status is not None

        self._stage.wait(is_due, f"{self._plan.victim} to strike")
        self._struck_s = time.monotonic()
        self._outcome.landed = job.status is None and strike(found, self._plan)

    def _blow(self, command: str) -> str | None:
        return struck(self._plan, command) if self._outcome.landed else None

    def _judge(self, job: Command, blow: str | None) -> Verdict:
        status = self._stage.wait_end(job)
        output = self._stage.output(job)
        verdict = judge_job(status, job.complaint, output, self._job, blow)
        if verdict.ending == "wrong":
            self._outcome.wrongs.append(f"{job.name}: {verdict.words}")
        if output.exists():
            self._results.add(output)
        return verdict

    def _try_again(self, server: Command, url: str) -> float | None:
        """Starts jobs until one finishes or the server has ended."""
        while server.status is None:
            job = self._start_job(url)
            if self._judge(job, None).ending == "finished":
                return job.started_s - self._struck_s
            time.sleep(RETRY_S)
        return None

    def _end(self, server: Command) -> None:
        blow = self._blow("serve")
        is_ending = server.status is not None or blow in ("SIGTERM", "SIGINT")
        if not is_ending:
            self._stage.ask_to_end(server)
        status = self._stage.wait_end(server)
        verdict = judge_server(status, server.complaint, blow, asked=not is_ending)
        if verdict.ending == "wrong":
            self._outcome.wrongs.append(f"{server.name}: {verdict.words}")

    def _look(self) -> None:
        """A server whose owner and guardian were both killed is swept by the next one."""
        if " and " in self._plan.victim and self._outcome.landed:
            server, _ = self._stage.serve()
            self._stage.ask_to_end(server)
            self._stage.wait_end(server)
        self._outcome.traces = self._stage.traces(self._results, GRACE_S)
