"""Bounded flow: order, backpressure, and one failure that ends everything."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from orchestrator.pipeline.flow import Channel, Threads, run_stage, together
from orchestrator.pipeline.state import StageState


@pytest.fixture
def threads() -> Iterator[Threads]:
    owned = Threads("test")
    yield owned
    owned.close()


async def test_results_come_in_the_order_of_the_source(threads: Threads) -> None:
    seen: list[int] = []

    async def slower_when_earlier(item: int) -> int:
        await asyncio.sleep((10 - item) / 500)
        return item

    async def keep(item: int) -> None:
        seen.append(item)

    await run_stage(iter(range(10)), slower_when_earlier, keep, 4, threads)

    assert seen == list(range(10))


async def test_a_slow_sink_holds_the_source_back_without_bound_in_length(threads: Threads) -> None:
    taken = itertools.count()
    read: list[int] = []
    release = asyncio.Event()

    def source() -> Iterator[int]:
        for _ in range(1000):
            read.append(next(taken))
            yield read[-1]

    async def pass_on(item: int) -> int:
        return item

    async def wait(_: int) -> None:
        await release.wait()

    job = asyncio.create_task(run_stage(source(), pass_on, wait, 3, threads))
    await asyncio.sleep(0.2)

    assert len(read) < 12  # 3 results, 1 in the sink, 2 in the source channel and the hands between
    release.set()
    await job
    assert len(read) == 1000


async def test_the_first_failure_cancels_the_rest_and_is_raised_itself(threads: Threads) -> None:
    cancelled: list[int] = []

    async def fail_at_three(item: int) -> int:
        if item == 3:
            raise ValueError("frame 3 is broken")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise
        return item

    async def ignore(_: int) -> None:
        return None

    with pytest.raises(ValueError, match="frame 3 is broken"):
        await run_stage(itertools.count(), fail_at_three, ignore, 8, threads)

    assert {0, 1, 2} <= set(cancelled)


async def test_of_several_at_once_the_first_failure_cancels_the_others() -> None:
    cancelled: list[int] = []

    async def fail_at_one(item: int) -> int:
        if item == 1:
            raise ValueError("face 1 is broken")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise
        return item

    with pytest.raises(ValueError, match="face 1 is broken"):
        await together(fail_at_one, range(3))

    assert sorted(cancelled) == [0, 2]


async def test_several_at_once_keep_their_order() -> None:
    async def slower_when_earlier(item: int) -> int:
        await asyncio.sleep((3 - item) / 500)
        return item

    assert await together(slower_when_earlier, range(3)) == [0, 1, 2]


async def test_a_failing_source_ends_the_stage_with_its_own_error(threads: Threads) -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    async def forever(item: int) -> int:
        await asyncio.sleep(60)
        return item

    async def ignore(_: int) -> None:
        return None

    with pytest.raises(OSError, match="the disk is gone"):
        await run_stage(source(), forever, ignore, 2, threads)


async def test_cancelling_a_stage_closes_its_source_and_leaves_no_thread() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.set()

    async def forever(item: int) -> int:
        await asyncio.sleep(60)
        return item

    async def ignore(_: int) -> None:
        return None

    threads = Threads("cancelled-stage")
    job = asyncio.create_task(run_stage(source(), forever, ignore, 2, threads))
    await asyncio.sleep(0.1)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    threads.close()

    assert closed.is_set()
    assert not [t for t in threading.enumerate() if t.name.startswith("cancelled-stage")]


async def test_a_long_call_learns_that_nobody_waits_for_it(threads: Threads) -> None:
    started, ended = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        while not threads.interrupted():
            time.sleep(0.001)
        ended.set()

    call = asyncio.create_task(threads.run(work))
    assert await asyncio.to_thread(started.wait, 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert ended.wait(timeout=10)


async def test_a_channel_gives_everything_that_was_put_before_it_was_closed() -> None:
    channel = Channel[int](8)
    for item in range(3):
        await channel.put(item)
    await channel.close()

    assert [item async for item in channel] == [0, 1, 2]


async def settled(state: StageState) -> tuple[str | None, int]:
    """What a stage waits for when all that can go on has gone on, and its items under way."""
    await asyncio.sleep(0.1)
    return state.waits_for, state.in_flight


class Stage:
    """A stage of three items whose every step waits until a test lets it go on."""

    def __init__(self, threads: Threads) -> None:
        self.state = StageState("the book", work="the drawing", sink="the drawer")
        self.read, self.drawn = threading.Event(), threading.Event()
        self.asked, self.kept = asyncio.Event(), asyncio.Event()
        self._drawing = Threads("test-draw")
        self.job = asyncio.create_task(
            run_stage(self._items(), self._transform, self._keep, 4, threads, self.state)
        )

    def _items(self) -> Iterator[int]:
        assert self.read.wait(10)
        yield from range(3)

    async def _transform(self, item: int) -> int:
        await asyncio.create_task(self.asked.wait())
        return await asyncio.create_task(self._drawing.run(self._draw, item))

    def _draw(self, item: int) -> int:
        assert self.drawn.wait(10)
        return item

    async def _keep(self, _: int) -> None:
        await self.kept.wait()

    async def close(self) -> None:
        for event in (self.read, self.drawn, self.asked, self.kept):
            event.set()
        await self.job
        self._drawing.close()


async def test_a_stage_waits_for_whoever_makes_the_next_step_of_its_first_item(
    threads: Threads,
) -> None:
    stage = Stage(threads)

    assert await settled(stage.state) == ("the book", 0)
    stage.read.set()
    assert await settled(stage.state) == (None, 3)  # a model
    stage.asked.set()
    assert await settled(stage.state) == ("the drawing", 3)
    stage.drawn.set()
    assert await settled(stage.state) == ("the drawer", 3)
    await stage.close()
    assert await settled(stage.state) == ("the drawer", 0)  # it completes what was made


async def test_what_later_items_do_is_not_what_a_stage_waits_for(threads: Threads) -> None:
    state, drawing, drawn = StageState(), Threads("test-draw"), threading.Event()
    first = asyncio.Event()

    async def draw_all_but_the_first(item: int) -> int:
        return item if item == 0 and await first.wait() else await drawing.run(_wait, drawn, item)

    async def ignore(_: int) -> None:
        return None

    job = asyncio.create_task(
        run_stage(iter(range(3)), draw_all_but_the_first, ignore, 4, threads, state)
    )
    assert await settled(state) == (None, 3)
    first.set()
    assert await settled(state) == ("the painting", 2)
    drawn.set()
    await job
    drawing.close()


def _wait(event: threading.Event, item: int) -> int:
    assert event.wait(10)
    return item
