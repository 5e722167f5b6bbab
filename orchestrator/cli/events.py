"""What happens in a job, for programs: one JSON object a line on standard error."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from client.errors import LipSyncError
from orchestrator.cli.lines import STANDARD_ERROR, offer
from orchestrator.pipeline.waiting import Waiting

PROGRESS_PERIOD_S = 0.5
WAITING_PERIOD_S = 0.9  # it is told every half second, and is to tell every second time


class Events:
    """Tells every stage, its progress, notes, what the job waits for, and how it failed.

    Every event has `event`, its kind, and `t_s`, seconds since the job began. Events that
    nobody reads are lost: a job does not wait for a reader.
    """

    def __init__(self, file: int = STANDARD_ERROR) -> None:
        self._file = file
        self._began_s = _now_s()
        self._progress_s = self._waiting_s = self._began_s
        self._done = 0
        self._total: int | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Tells of an error that ends this."""
        try:
            yield
        except LipSyncError as error:
            self._tell("failed", error=type(error).__name__, message=str(error))
            raise

    def start(self, stage: str, total: int | None) -> None:
        """Tells that a stage begins."""
        self._done, self._total, self._progress_s = 0, total, _now_s()
        self._tell("stage", stage=stage, total=total)

    def advance(self, stage: str) -> None:
        """Tells how far a stage is, twice a second at most."""
        self._done += 1
        if _now_s() - self._progress_s >= PROGRESS_PERIOD_S:
            self._tell_progress(stage)

    def finish(self, stage: str) -> None:
        """Tells how far a stage came."""
        self._tell_progress(stage)

    def note(self, sentence: str) -> None:
        """Tells what the user should know."""
        self._tell("note", text=sentence)

    def wait(self, waiting: Waiting) -> None:
        """Tells what the job waits for, once a second at most."""
        if _now_s() - self._waiting_s >= WAITING_PERIOD_S:
            self.answer(waiting)

    def answer(self, waiting: Waiting) -> None:
        """Tells what the job waits for."""
        self._waiting_s = _now_s()
        self._tell("waiting", **waiting.data())

    def _tell_progress(self, stage: str) -> None:
        self._progress_s = _now_s()
        self._tell("progress", stage=stage, done=self._done, total=self._total)

    def _tell(self, event: str, **facts: object) -> None:
        t_s = round(_now_s() - self._began_s, 3)
        offer(json.dumps({"event": event, "t_s": t_s, **facts}), self._file)


def _now_s() -> float:
    return time.monotonic()
