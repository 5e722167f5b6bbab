"""What `orchestrator generate --json` tells while it runs, read as it comes."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path


class Events:
    """The events of one job.

    Args:
        file: To which its standard error goes.

    Attributes:
        done: Frames of the last stage that were told as written.
        marks: When each such number was read, on a monotonic clock, and the number.
        error: Kind of the error that ended the job, where it was told.
        message: Its sentence.
        stage: The stage that began last.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._rest = b""
        self.marks: list[tuple[float, int]] = []
        self.error: str | None = None
        self.message = ""
        self.stage = ""

    @property
    def done(self) -> int:
        """Frames that were told as written."""
        return self.marks[-1][1] if self.marks else 0

    def read(self) -> None:
        """Reads what has come since the last time."""
        with self._file.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        self._offset += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace"))

    def _take(self, line: str) -> None:
        if not line.startswith("{"):
            self.message = self.message or line.removeprefix("error: ")
            return
        event = json.loads(line)
        match event["event"]:
            case "stage":
                self.stage = event["stage"]
            case "progress" if event["stage"] == "speak":
                self.marks.append((time.monotonic(), event["done"]))
            case "failed":
                self.error, self.message = event["error"], event["message"]


def resumed_s(marks: list[tuple[float, int]], struck_s: float) -> float | None:
    """Returns the seconds from a blow to when frames were told again after the longest pause.

    Args:
        marks: Times at which frames were told.
        struck_s: Time of the blow, on the same clock.
    """
    times = [struck_s, *(time_s for time_s, _ in marks if time_s > struck_s)]
    pauses = [(later - sooner, later) for sooner, later in pairwise(times)]
    return max(pauses)[1] - struck_s if pauses else None
