"""The old design's service from outside: started, asked over HTTP, and ended by force."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.commands import ROOT, START_TIMEOUT_S, CommandError, wait_for
from benchmarks.replay.media import VIDEO
from benchmarks.replay.old.stages import FULL, GOT, SENT
from benchmarks.replay.processes import tree

BATCH_SIZE: Final = 1
ANSWER_TIMEOUT_S: Final = 10.0
END_TIMEOUT_S: Final = 5.0
TRACKER: Final = "resource_tracker"


@dataclass(frozen=True)
class State:
    """The inside of the service at one moment.

    Attributes:
        busy: Whether it takes no job.
        written: Frames that the job's writer has written.
        pids: Process id of each of its processes.
        alive: Which of them live.
    """

    busy: bool
    written: int
    pids: dict[str, int]
    alive: tuple[str, ...]

    @property
    def dead(self) -> tuple[str, ...]:
        """Which of them do not."""
        return tuple(name for name in self.pids if name not in self.alive)


class OldService:
    """A running service of the old design; ends with the block, whatever hangs in it.

    Args:
        folder: Where videos and the log go.
        fault_file: The renderer's fault.
        load_s: How much longer than usual the model takes to load.

    Raises:
        CommandError: If it does not start.
    """

    def __init__(self, folder: Path, fault_file: Path, load_s: float) -> None:
        self._folder = folder
        arguments = [str(VIDEO), str(folder), str(fault_file), str(BATCH_SIZE), str(load_s)]
        with (folder / "service.out").open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 - a part of this benchmark
                [sys.executable, "-m", "benchmarks.replay.old", *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        try:
            wait_for(lambda: bool(self._port()), START_TIMEOUT_S, "the old service's port")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def submit(self, code: str, frames: int) -> tuple[int, str]:
        """Hands in a job; returns the service's number for what it did and its words.

        Raises:
            CommandError: If the service does not answer.
        """
        body = json.dumps({"code": code, "frames": frames})
        answer = self._ask("POST", "/easy/submit", body)
        return answer["code"], answer["msg"]

    def state(self) -> State:
        """Looks inside.

        Raises:
            CommandError: If the service does not answer.
        """
        data = self._ask("GET", "/state")["data"]
        processes = data["processes"]
        pids = {name: pid for name, (pid, _) in processes.items()}
        alive = tuple(name for name, (_, lives) in processes.items() if lives)
        return State(data["run_flag"], data["written"], pids, alive)

    def output(self, code: str) -> Path:
        """The video of a job."""
        return self._folder / f"{code}-r.mp4"

    def counts(self) -> dict[str, int]:
        """How often the log tells of items sent, items taken and a full queue."""
        with suppress(FileNotFoundError):
            text = (self._folder / "dh.log").read_text(encoding="utf-8")
            return {word: text.count(word) for word in (SENT, GOT, FULL)}
        return dict.fromkeys((SENT, GOT, FULL), 0)

    def stop(self) -> None:
        """Kills its processes; the one that unlinks their semaphores may end by itself."""
        for process in tree(self.pid):
            if not any(TRACKER in word for word in process.command):
                process.kill()
        end_s = time.monotonic() + END_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < end_s:
            time.sleep(0.05)
        time.sleep(0.5)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _port(self) -> str:
        with suppress(FileNotFoundError):
            return (self._folder / "port").read_text(encoding="utf-8")
        return ""

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:
        port = int(self._port())
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_TIMEOUT_S)
        try:
            link.request(method, path, body)
            return json.loads(link.getresponse().read())
        except OSError as error:
            raise CommandError(f"the old service does not answer {path}: {error}") from error
        finally:
            link.close()
