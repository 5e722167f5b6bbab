"""Watches one served model while requests to it wait."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from client.errors import InferenceError, ServerError, StalledError
from client.pulse import Pulse

R = TypeVar("R")

POLL_S = 1.0
DRAIN_S = 1.0  # a job that is told to stop is gone within two seconds


@dataclass(frozen=True)
class Work:
    """What a server tells of the work of a model: its execution count and its median batch."""

    executions: int
    batch_s: float


class Vigil:
    """Ends the requests to a model that hangs; there is one watcher, and only while some wait.

    Args:
        subject: What is watched, as the beginning of a sentence about it.
        read: Reads its work from the server.
        stall_s: How long it may be quiet at least.
    """

    def __init__(self, subject: str, read: Callable[[], Awaitable[Work]], stall_s: float) -> None:
        self._subject = subject
        self._read = read
        self._pulse = Pulse(stall_s)
        self._waiting = 0
        self._watcher: asyncio.Task[NoReturn] | None = None
        self._blind: ServerError | InferenceError | None = None

    async def keep(self, call: Coroutine[Any, Any, R]) -> R:
        """Awaits a request.

        A caller that is cancelled waits on for the answer, for a moment: a server can write
        what it was asked for long after a torn call, and some crash on one.

        Raises:
            StalledError: If the model hangs.
            Exception: Whatever the request raises.
        """
        request = asyncio.create_task(call)
        watcher = self._enter()
        try:
            await asyncio.wait({request, watcher}, return_when=asyncio.FIRST_COMPLETED)
            return request.result() if request.done() else watcher.result()
        except asyncio.CancelledError:
            if not watcher.done():
                await asyncio.wait({request}, timeout=DRAIN_S)
            raise
        finally:
            self._leave(request)

    def _enter(self) -> asyncio.Task[NoReturn]:
        self._waiting += 1
        if self._watcher is None:
            self._pulse.begin(_now_s())
            self._watcher = asyncio.create_task(self._watch())
        return self._watcher

    def _leave(self, request: asyncio.Task[Any]) -> None:
        self._waiting -= 1
        if not _given_up(request):
            self._pulse.answer(_now_s())
        if self._waiting == 0 and self._watcher is not None:
            _given_up(self._watcher)
            self._watcher = None

    async def _watch(self) -> NoReturn:
        while not self._pulse.is_hung(_now_s()):
            await asyncio.sleep(POLL_S)
            await self._look()
        raise self._stalled() from self._blind

    async def _look(self) -> None:
        """A server that does not tell is no proof of a hung model, nor of a living one."""
        try:
            work = await self._read()
        except (ServerError, InferenceError) as error:
            self._blind = error
        else:
            self._blind = None
            self._pulse.see(work.executions, work.batch_s, _now_s())

    def _stalled(self) -> StalledError:
        quiet_s = self._pulse.quiet_s(_now_s())
        requests = f"{self._waiting} request{'s wait' if self._waiting > 1 else ' waits'}"
        unseen = f" and its progress cannot be read ({self._blind})" if self._blind else ""
        return StalledError(
            f"{self._subject} has finished no batch for {quiet_s:.0f} s while {requests}{unseen}: "
            "look at the server's log and load the model again, or raise the limit with "
            "--stall-timeout."
        )


def _given_up(task: asyncio.Task[Any]) -> bool:
    """Cancels a task; one that has ended is noted to have been heard, and stays as it is."""
    ended = task.done() and not task.cancelled()
    if ended:
        task.exception()
    else:
        task.cancel()
    return not ended


def _now_s() -> float:
    return asyncio.get_running_loop().time()
