"""Bounded flow: channels that make the producer wait, and ordered concurrent stages.

All tasks of a job live in one `TaskGroup`; the first failure cancels the rest. Nothing here ever
drops an item or waits against a clock: a full channel is backpressure, not an error.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Generic, TypeVar, cast

from client.concurrency import first_cause
from orchestrator.pipeline.state import StageState, Step, in_thread, work_on

T = TypeVar("T")
R = TypeVar("R")

_END = object()


class Channel(Generic[T]):
    """A bounded first-in first-out channel with one producer and one consumer."""

    def __init__(self, room: int) -> None:
        self._queue: asyncio.Queue[object] = asyncio.Queue(maxsize=room)

    async def put(self, item: T) -> None:
        """Waits for room, then adds an item."""
        await self._queue.put(item)

    async def close(self) -> None:
        """Tells the consumer that no item will follow."""
        await self._queue.put(_END)

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yields items until the channel is closed."""
        while (item := await self._queue.get()) is not _END:
            yield cast(T, item)


class Threads:
    """Worker threads that one job owns; every call is short, so a job can end between two."""

    def __init__(self, name: str, count: int = 1) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._abandoned = threading.Event()

    def interrupted(self) -> bool:
        """Whether a call was given up; one that takes long asks for it and ends early."""
        return self._abandoned.is_set()

    async def run(self, function: Callable[..., R], *args: object) -> R:
        """Runs a function in one of the threads."""
        loop = asyncio.get_running_loop()
        try:
            with in_thread():
                return await loop.run_in_executor(self._pool, function, *args)
        except asyncio.CancelledError:
            self._abandoned.set()
            raise

    async def feed(self, items: Iterator[T], channel: Channel[T]) -> None:
        """Moves a blocking iterator into a channel and closes both."""
        async with aclosing(self.each(items)) as read:
            async for item in read:
                await channel.put(item)
        await channel.close()

    async def each(self, items: Iterator[T]) -> AsyncGenerator[T]:
        """Yields from a blocking iterator, one call of a thread per item, and closes it."""
        try:
            while (item := await self.run(next, items, _END)) is not _END:
                yield cast(T, item)
        finally:
            self._pool.submit(_close, items)

    def close(self) -> None:
        """Waits for the calls under way and ends the threads."""
        self._pool.shutdown(wait=True, cancel_futures=False)


async def start_each(
    group: asyncio.TaskGroup,
    source: Channel[T],
    transform: Callable[[T], Awaitable[R]],
    results: Channel[asyncio.Task[R]],
    state: StageState,
) -> None:
    """Starts `transform` for every item; results keep the order of the source.

    The room of `results` bounds how many are under way.
    """
    async for item in source:
        await results.put(group.create_task(_made(transform, item, state.begin())))
    await results.close()


async def run_stage(
    items: Iterator[T],
    transform: Callable[[T], Awaitable[R]],
    sink: Callable[[R], Awaitable[None]],
    in_flight: int,
    threads: Threads,
    state: StageState | None = None,
) -> None:
    """Reads items in a thread, transforms up to `in_flight` at once, and sinks them in order.

    Args:
        items: A blocking iterator.
        transform: Makes a result of an item.
        sink: Takes the results.
        in_flight: How many items are transformed at once.
        threads: Where items are read.
        state: Is told what the stage waits for.

    Raises:
        Exception: The first failure anywhere, after everything else was cancelled.
    """
    state = state or StageState()
    with first_cause():
        async with asyncio.TaskGroup() as group:
            source = Channel[T](2)
            # Two more are under way: the one that is waited for, and the one that waits for room.
            results = Channel[asyncio.Task[R]](max(in_flight - 2, 1))
            group.create_task(threads.feed(items, source))
            group.create_task(start_each(group, source, transform, results, state))
            async for task in results:
                state.transform()
                result = await task
                state.store()
                await sink(result)
                state.end()
    state.store()


async def together(transform: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Transforms some items at once; results keep their order.

    Raises:
        Exception: The first failure, after the others were cancelled.
    """
    with first_cause():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(transform, item)) for item in items]
    return [task.result() for task in tasks]


async def _made(transform: Callable[[T], Awaitable[R]], item: T, step: Step) -> R:
    work_on(step)
    return await transform(item)


async def _awaited(transform: Callable[[T], Awaitable[R]], item: T) -> R:
    return await transform(item)


def _close(items: Iterator[object]) -> None:
    close = getattr(items, "close", None)
    if close is not None:
        close()
