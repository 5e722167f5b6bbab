"""Progress bars with time to go, and below them what is waited for, on a terminal's standard error.

A narrow terminal gets no bars, but still the numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
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
from rich.table import Column
from rich.text import Text

from orchestrator.cli.running import printable
from orchestrator.pipeline.waiting import LABELS, Waiting

_NUMBERS_COLUMNS = 58  # of a line: everything but its bar
_LEAST_BAR_COLUMNS, _MOST_BAR_COLUMNS = 10, 40
_REFRESHES_PER_S = 10.0


class _Console(Console):
    """Goes on when nobody reads any more: the video matters, and not who is told of it."""

    def on_broken_pipe(self) -> None:
        """Does nothing."""


class Bars:
    """Shows the stages of a job."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _Console(stderr=True)
        self._bar = BarColumn()
        label = TextColumn(
            "{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")
        )
        numbers, to_go = MofNCompleteColumn(), TimeRemainingColumn()
        self._narrow = (label, numbers, to_go)
        self._wide = (
            SpinnerColumn(),
            label,
            self._bar,
            numbers,
            TimeElapsedColumn(),
            TextColumn("left"),
            to_go,
        )
        self._progress = Progress(*self._wide, console=self._console)
        self._tasks: dict[str, TaskID] = {}
        self._waiting: Waiting | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draws the bars; the last state of them stays."""
        if not self._console.is_terminal:
            yield
            return
        with Live(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=_REFRESHES_PER_S,
        ):
            try:
                yield
            finally:
                self._waiting = None

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
        self._print(Text.assemble(("note: ", "bold yellow"), printable(sentence)))

    def wait(self, waiting: Waiting) -> None:
        """Shows below the bars what the job waits for."""
        self._waiting = waiting

    def answer(self, waiting: Waiting) -> None:
        """Prints above the bars what the job waits for."""
        self._print(Text(printable(waiting.sentence())))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)  # a sentence is one line, whoever reads it

    def _drawn(self) -> RenderableType:
        """Lays out for the terminal's present width."""
        width = self._console.width
        room = width - _NUMBERS_COLUMNS
        self._bar.bar_width = min(room, _MOST_BAR_COLUMNS)
        self._progress.columns = self._wide if room >= _LEAST_BAR_COLUMNS else self._narrow
        table = self._progress.make_tasks_table(self._progress.tasks)
        return table if self._waiting is None else Group(table, _line(self._waiting, width))


def _line(waiting: Waiting, width: int) -> Text:
    """The sentence, or what a narrow terminal takes of it: the stage is to be seen in the bars."""
    sentence = printable(waiting.sentence())
    text = Text(sentence if len(sentence) < width else printable(waiting.reason()), "dim")
    text.truncate(width - 1, overflow="ellipsis")
    return text
