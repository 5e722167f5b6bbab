"""Joins calls that are made at about the same time into requests.

A request costs the client and the server some work, whatever it carries. One leaves when it is
full, or when too few are under way to keep the server busy: nothing waits against a clock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from client.batch import Batch, Inputs, rows_of
from client.constant import Constant
from client.tensors import Array

Outputs = dict[str, Array]
Send = Callable[[Batch], Awaitable[Outputs]]


@dataclass(eq=False)
class _Group:
    """Calls that wait for one request."""

    constant: Constant | None
    names: frozenset[str]
    calls: list[Inputs] = field(default_factory=list)
    answers: list[asyncio.Future[Outputs]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    is_ending: bool = False

    @property
    def size(self) -> int:
        return sum(map(rows_of, self.calls))

    @property
    def is_given_up(self) -> bool:
        return all(answer.cancelled() for answer in self.answers)


class Gatherer:
    """Makes requests of calls to one model.

    Args:
        send: Sends one request.
        rows: Rows that fill a request; a call with more of them travels alone.
        busy: Requests under way that keep the server busy.
    """

    def __init__(self, send: Send, *, rows: int, busy: int) -> None:
        self._send = send
        self._rows = rows
        self._busy = busy
        self._waiting: list[_Group] = []
        self._under_way: set[_Group] = set()

    async def call(self, inputs: Inputs, constant: Constant | None = None) -> Outputs:
        """Sends a call with others and returns its own outputs.

        Raises:
            Exception: Whatever the request raises; all calls in it get the same.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outputs] = loop.create_future()
        group = self._group_for(inputs, constant)
        group.calls.append(inputs)
        group.answers.append(answer)
        loop.call_soon(self._start_ready)  # calls of one moment travel together
        try:
            return await answer
        except asyncio.CancelledError:
            await self._leave(group)
            raise

    def _group_for(self, inputs: Inputs, constant: Constant | None) -> _Group:
        names = frozenset(inputs)
        for group in self._waiting:
            fits = group.size + rows_of(inputs) <= self._rows
            if group.constant is constant and group.names == names and fits:
                return group
        self._waiting.append(_Group(constant, names))
        return self._waiting[-1]

    def _start_ready(self) -> None:
        self._waiting = [group for group in self._waiting if not group.is_given_up]
        for group in [*self._waiting]:
            if group.size >= self._rows or len(self._under_way) < self._busy:
                self._waiting.remove(group)
                self._under_way.add(group)
                group.task = asyncio.create_task(self._run(group))

    async def _run(self, group: _Group) -> None:
        batch = Batch(group.calls, group.constant)
        try:
            outputs = await self._send(batch)
        except Exception as error:
            _fail(group, error)
        else:
            for answer, own in zip(group.answers, batch.split(outputs), strict=True):
                if not answer.done():
                    answer.set_result(own)
        finally:
            for answer in group.answers:
                answer.cancel()  # of a request that was cancelled; nothing where it is there
            self._under_way.discard(group)
            self._start_ready()

    async def _leave(self, group: _Group) -> None:
        """A request that nobody waits for any more ends before its last caller does."""
        if not group.is_given_up or group.task is None:
            return
        if not group.is_ending:  # once: a second time would cut short how it ends
            group.is_ending = True
            group.task.cancel()
        await asyncio.wait({group.task})


def _fail(group: _Group, error: Exception) -> None:
    for answer in group.answers:
        if not answer.done():
            answer.set_exception(error)
            answer.exception()  # heard, even if its caller is gone
