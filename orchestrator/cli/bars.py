"""Progress bars with time to go, one per stage, on standard error when it is a terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from orchestrator.cli.running import printable

LABELS = {
    "server": "start the server",
    "listen": "listen to the speech",
    "prepare": "find the face",
    "speak": "speak",
}


class Bars:
    """Shows the stages of a job."""

    def __init__(self) -> None:
        console = Console(stderr=True, soft_wrap=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<20}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def start(self, stage: str, total: int | None) -> None:
        """Adds the bar of a stage."""
        self._tasks[stage] = self._progress.add_task(LABELS.get(stage, stage), total=total)

    def advance(self, stage: str) -> None:
        """Moves the bar of a stage by one step."""
        self._progress.advance(self._tasks[stage])

    def finish(self, stage: str) -> None:
        """Fills the bar of a stage."""
        task = self._progress.tasks[self._tasks[stage]]
        done = max(task.completed, 1)
        self._progress.update(task.id, total=done, completed=done)

    def note(self, sentence: str) -> None:
        """Prints a sentence above the bars."""
        self._progress.console.print(Text.assemble(("note: ", "bold yellow"), printable(sentence)))
