"""The process in which the model runs alone, and its best setting."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.overhead import alone
from orchestrator.server.runtime import find_runtime
from orchestrator.threads import given_cores

BATCHES: Final = (1, 2, 4, 8)


@dataclass(frozen=True)
class Setting:
    """How the model runs alone."""

    sessions: int
    threads: int
    batch: int
    spinning: bool

    def __str__(self) -> str:
        """Says it in words."""
        spinning = ", waiting threads spin" if self.spinning else ""
        return (
            f"{self.sessions} session(s) × {self.threads} thread(s), batch {self.batch}{spinning}"
        )


@dataclass(frozen=True)
class Figure:
    """One measurement.

    Attributes:
        rows_per_s: Rows per second.
        cpu_ms: Processor time of a row, by process.
    """

    rows_per_s: float
    cpu_ms: dict[str, float]


def settings() -> list[Setting]:
    """All settings that may be the best one here."""
    cores = given_cores()
    shapes = {(1, 1), (1, cores), (cores, 1)}
    return [
        Setting(sessions, threads, batch, spinning)
        for sessions, threads in sorted(shapes)
        for batch in BATCHES
        for spinning in (False, True)
        if threads > 1 or not spinning
    ]


class Limit:
    """A process of the server's Python with the same library and the same file."""

    def __init__(self, version: Path) -> None:
        """Starts it.

        Args:
            version: Folder of the model's version, with its golden inputs.
        """
        runtime = find_runtime()
        self._process = subprocess.Popen(  # noqa: S603 - the project's own program
            [
                str(runtime.root / "bin" / "python"),
                str(Path(alone.__file__)),
                str(version / "model.onnx"),
                str(version / "golden.npz"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

    def measure(self, setting: Setting, seconds: float) -> Figure:
        """Measures one setting.

        Raises:
            RuntimeError: If the process ended.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the model's process has no pipes")
        self._process.stdin.write(json.dumps(asdict(setting) | {"seconds": seconds}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the model's process ended")
        answer = json.loads(line)
        return Figure(answer["rows_per_s"], {"model": answer["cpu_ms"]})

    def best(self, seconds: float) -> Setting:
        """Returns the fastest setting."""
        return max(settings(), key=lambda each: self.measure(each, seconds).rows_per_s)
