"""What a command shows of a job while it runs: bars, events or nothing; see `Display`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Protocol

from client.concurrency import first_cause
from orchestrator.cli.lines import offer
from orchestrator.cli.running import printable
from orchestrator.pipeline.progress import Silent, Stages
from orchestrator.pipeline.waiting import JobState, Waiting

PERIOD_S = 0.5


class Display(Stages, Protocol):
    """Shows a job."""

    def shown(self) -> AbstractContextManager[object]:
        """The time in which it shows something."""

    def wait(self, waiting: Waiting) -> None:
        """The job waits for this now; told twice a second."""

    def answer(self, waiting: Waiting) -> None:
        """The job waits for this now, and somebody asked."""


class Quiet(Silent):
    """Shows nothing; but who asks gets an answer."""

    def shown(self) -> AbstractContextManager[object]:
        """Any time."""
        return nullcontext()

    def wait(self, waiting: Waiting) -> None:
        """Shows nothing."""

    def answer(self, waiting: Waiting) -> None:
        """Prints it."""
        offer(printable(waiting.sentence()))


@asynccontextmanager
async def watched(display: Display, state: JobState) -> AsyncIterator[None]:
    """While it lasts, a display hears what a job waits for."""
    with first_cause():
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(_tell(display, state))
            yield
            telling.cancel()


async def _tell(display: Display, state: JobState) -> None:
    while True:
        await asyncio.sleep(PERIOD_S)
        display.wait(state.now())
