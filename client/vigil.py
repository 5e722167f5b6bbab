"""Watches one served model while requests to it wait."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from client.awake import AwakeClock
from client.errors import InferenceError, ServerError, ServerUnavailableError, StalledError
from client.pulse import Pulse, QueueTime

R = TypeVar("R")

POLL_S = 1.0
DRAIN_S = 0.5  # a job that is told to stop is gone within two seconds


@dataclass(frozen=True)
class Work:
    """What a server tells of the work of a model.

    Attributes:
        executions: How many batches it has executed.
        batch_s: The time of its median batch.
        requests: How many requests were in them.
        queue_s: The seconds that these spent in the server's queue together.
    """

    executions: int
    batch_s: float
    requests: int = 0
    queue_s: float = 0.0


@dataclass(frozen=True)
class Wait:
    """How requests to a model wait at one moment.

    Attributes:
        requests: How many wait.
        quiet_s: How long ago the model was last seen to finish a batch, or else how long ago the
            first of them began to wait.
        heard: Which of the two: whether it was seen to.
        batch_s: The time of its median batch; 0 where that is not known.
        queue_s: How long a request lately spent in the server's queue; None where that is not
            known.
    """

    requests: int
    quiet_s: float
    heard: bool = True
    batch_s: float = 0.0
    queue_s: float | None = None


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
        self._clock = AwakeClock()
        self._queue = QueueTime()
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

    def wait(self) -> Wait:
        """Tells how the requests wait now; asks nobody for it."""
        pulse = self._pulse
        return Wait(
            requests=self._waiting,
            quiet_s=pulse.quiet_s(self._clock.now_s()),
            heard=pulse.heard,
            batch_s=pulse.batch_s,
            queue_s=self._queue.mean_s,
        )

    def _enter(self) -> asyncio.Task[NoReturn]:
        self._waiting += 1
        if self._watcher is None:
            self._pulse.begin(self._clock.now_s())
            self._watcher = asyncio.create_task(self._watch())
        return self._watcher

    def _leave(self, request: asyncio.Task[Any]) -> None:
        self._waiting -= 1
        _give_up(request)
        if _is_answered(request):
            self._pulse.answer(self._clock.now_s())
        if self._waiting == 0 and self._watcher is not None:
            _give_up(self._watcher)
            self._watcher = None

    async def _watch(self) -> NoReturn:
        while not self._pulse.is_hung(self._clock.now_s()):
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
            self._pulse.see(work.executions, work.batch_s, self._clock.now_s())
            self._queue.see(work.requests, work.queue_s)

    def _stalled(self) -> StalledError:
        quiet_s = self._pulse.quiet_s(self._clock.now_s())
        requests = f"{self._waiting} request{'s wait' if self._waiting > 1 else ' waits'}"
        if self._blind is not None:
            return StalledError(
                f"{self._subject}, and the whole server, have answered nothing for {quiet_s:.0f} s "
                f"while {requests}: look at the server's log and start it again, or raise the "
                "limit with --stall-timeout."
            )
        return StalledError(
            f"{self._subject} has finished no batch for {quiet_s:.0f} s while {requests}: look at "
            "the server's log and load the model again, or raise the limit with --stall-timeout."
        )


def _is_answered(request: asyncio.Task[Any]) -> bool:
    """Whether the model was heard: it was not if the server, or its process, was away."""
    ended = request.done() and not request.cancelled()
    return ended and not isinstance(request.exception(), ServerUnavailableError)


def _give_up(task: asyncio.Task[Any]) -> None:
    """Cancels a task; one that has ended is noted to have been heard, and stays as it is."""
    if not task.done():
        task.cancel()
    elif not task.cancelled():
        task.exception()
