"""Where one round takes place: its folders, its commands, its deadline."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmarks.chaos.processes import end_all, running
from benchmarks.chaos.traces import Traces, look, regions
from benchmarks.commands import (
    Command,
    generate_arguments,
    ready_url,
    serve_arguments,
    wait_for,
)


class Stage:
    """The folders and the commands of one round; every wait ends with the round's deadline.

    Attributes:
        temporary: TMPDIR of all its processes.
        outputs: Where its videos go.
    """

    def __init__(self, folder: Path, deadline_s: float) -> None:
        """Makes the folders; the round ends `deadline_s` from now."""
        self.temporary, self.outputs = folder / "tmp", folder / "out"
        self._logs = folder / "log"
        for made in (self.temporary, self.outputs, self._logs):
            made.mkdir(parents=True)
        self._end_s = time.monotonic() + deadline_s
        self._commands: list[Command] = []

    @property
    def pids(self) -> set[int]:
        """Process ids of its commands."""
        return {command.pid for command in self._commands}

    def output(self, job: Command) -> Path:
        """The video of a job."""
        return self.outputs / f"{job.name}.mp4"

    def generate(self, video: Path, audio: Path, url: str | None) -> Command:
        """Starts a job."""
        name = f"job{len(self._commands)}"
        output = self.outputs / f"{name}.mp4"
        return self._start(generate_arguments(video, audio, output, url), name)

    def serve(self) -> tuple[Command, str]:
        """Starts a server and waits until it serves.

        Raises:
            CommandError: If it does not.
        """
        name = f"serve{len(self._commands)}"
        log = self._logs / f"{name}.log"
        server = self._start(serve_arguments("--log-file", str(log)), name)
        return server, ready_url(server, self._left_s())

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for something.

        Raises:
            CommandError: If it has not happened by the deadline.
        """
        wait_for(condition, self._left_s(), what)

    def wait_end(self, command: Command) -> int:
        """Waits for the end of a command and returns its status.

        Raises:
            CommandError: If it has not ended by the deadline.
        """
        self.wait(lambda: command.status is not None, f"the end of {command.name}")
        return command.process.wait()

    def ask_to_end(self, command: Command) -> None:
        """Sends SIGTERM to a command that runs."""
        if command.status is None:
            command.process.send_signal(signal.SIGTERM)

    def traces(self, results: set[Path], grace_s: float) -> Traces:
        """Waits until nothing is left, at most `grace_s`, and returns what is left then."""
        end_s = time.monotonic() + grace_s
        while (left := look(self.temporary, self.outputs, results, self.pids)) and (
            time.monotonic() < end_s
        ):
            time.sleep(0.1)
        return left

    def describe(self) -> str:
        """What runs of it, for the report of a hang."""
        return "; ".join(map(str, running(self.temporary)))

    def clear(self) -> None:
        """Ends and removes by force what should not be there any more."""
        end_all(self.temporary)
        for command in self._commands:
            command.stop(timeout_s=1.0)
        for region in regions(self.pids):
            with suppress(FileNotFoundError):
                region.unlink()

    def _start(self, arguments: list[str], name: str) -> Command:
        command = Command(arguments, self._logs, name, {"TMPDIR": str(self.temporary)})
        self._commands.append(command)
        return command

    def _left_s(self) -> float:
        return max(0.0, self._end_s - time.monotonic())
