"""Running the work of one job with its display: signals end it, and who asks gets an answer."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from orchestrator.cli.display import Display, watched
from orchestrator.cli.running import run
from orchestrator.pipeline.waiting import JobState

R = TypeVar("R")


def run_job(job: Callable[[JobState], Coroutine[Any, Any, R]], display: Display) -> R:
    """Runs a job that tells its state.

    Raises:
        LipSyncError: What the job raises.
    """
    state = JobState(display)

    async def work() -> R:
        async with watched(display, state):
            return await job(state)

    return run(
        work(),
        on_asked=lambda: display.answer(state.now()),
        is_done=lambda: state.is_written,
    )
