"""Calls that are made at about the same time travel in one request."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from client.batch import Batch
from client.constant import Constant
from client.gather import Gatherer
from client.tensors import Array

Answer = Callable[[Batch], Awaitable[dict[str, Array]]]


def rows(*values: float) -> Array:
    return np.array([[value] for value in values], np.float32)


class Server:
    """Doubles what it is sent; requests wait until it is let go."""

    def __init__(self) -> None:
        self.sizes: list[list[int]] = []
        self.constants: list[Constant | None] = []
        self.cancelled = 0
        self.go = asyncio.Event()

    async def infer(self, batch: Batch) -> dict[str, Array]:
        self.sizes.append(batch.sizes)
        self.constants.append(batch.constant)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return {"y": 2 * batch.joined("x")}


async def calls(
    gatherer: Gatherer, *inputs: Array, constant: Constant | None = None
) -> list[asyncio.Task[dict[str, Array]]]:
    """Makes calls, all in one moment, and lets what can leave do so."""
    made = [asyncio.create_task(gatherer.call({"x": x}, constant)) for x in inputs]
    for _ in range(5):
        await asyncio.sleep(0)
    return made


async def test_calls_of_one_moment_travel_together_and_get_their_own_answers() -> None:
    server = Server()
    made = await calls(Gatherer(server.infer, rows=4, busy=1), rows(1), rows(2, 3), rows(4))
    server.go.set()
    answers = await asyncio.gather(*made)
    assert server.sizes == [[1, 2, 1]]
    assert [answer["y"].ravel().tolist() for answer in answers] == [[2], [4, 6], [8]]


async def test_a_full_request_leaves_however_many_are_under_way() -> None:
    server = Server()
    gatherer = Gatherer(server.infer, rows=2, busy=1)
    made = await calls(gatherer, *(rows(n) for n in range(4)))
    assert server.sizes == [[1, 1], [1, 1]]
    server.go.set()
    await asyncio.gather(*made)


async def test_what_does_not_fill_a_request_waits_while_enough_are_under_way() -> None:
    server = Server()
    gatherer = Gatherer(server.infer, rows=4, busy=1)
    first = await calls(gatherer, rows(1))
    later = await calls(gatherer, rows(2))
    later += await calls(gatherer, rows(3))
    assert server.sizes == [[1]]
    server.go.set()
    await asyncio.gather(*first, *later)
    assert server.sizes == [[1], [1, 1]]


async def test_only_calls_with_the_same_constant_and_names_share_a_request() -> None:
    server = Server()
    gatherer = Gatherer(server.infer, rows=4, busy=8)
    one, other = Constant({"c": rows(0)}), Constant({"c": rows(0)})
    made = [
        asyncio.create_task(gatherer.call({"x": rows(n)}, constant))
        for n, constant in enumerate([one, other, one, None])
    ]
    server.go.set()
    await asyncio.gather(*made)
    assert server.sizes == [[1, 1], [1], [1]]
    assert server.constants == [one, other, None]


async def test_a_call_of_more_rows_than_a_request_has_travels_alone() -> None:
    server = Server()
    made = await calls(Gatherer(server.infer, rows=2, busy=4), rows(1), rows(2, 3, 4), rows(5))
    assert sorted(server.sizes) == [[1, 1], [3]]
    server.go.set()
    await asyncio.gather(*made)


async def test_a_failure_is_that_of_every_call_in_the_request() -> None:
    async def fail(batch: Batch) -> dict[str, Array]:
        raise ValueError("no")

    made = await calls(Gatherer(fail, rows=2, busy=1), rows(1), rows(2))
    answers = await asyncio.gather(*made, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["no", "no"]


async def test_a_request_goes_on_while_anybody_waits_for_it() -> None:
    server = Server()
    given_up, kept = await calls(Gatherer(server.infer, rows=2, busy=1), rows(1), rows(2))
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    server.go.set()
    assert (await kept)["y"].item() == 4
    assert server.cancelled == 0


async def test_a_request_that_nobody_waits_for_is_ended_once_before_its_callers_end() -> None:
    ended = asyncio.Event()

    async def infer(batch: Batch) -> dict[str, Array]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)  # a second cancellation would cut this short
            ended.set()
            raise
        raise AssertionError

    made = await calls(Gatherer(infer, rows=2, busy=1), rows(1), rows(2))
    for task in made:
        task.cancel()
    await asyncio.wait(made)
    assert ended.is_set()
    assert all(task.cancelled() for task in made)


async def test_calls_that_were_given_up_before_they_left_are_never_sent() -> None:
    server = Server()
    gatherer = Gatherer(server.infer, rows=4, busy=1)
    first = await calls(gatherer, rows(1))
    (waiting,) = await calls(gatherer, rows(2))
    waiting.cancel()
    server.go.set()
    await asyncio.gather(*first)
    await asyncio.wait([waiting])
    assert server.sizes == [[1]]


async def test_a_request_that_is_cancelled_from_within_leaves_nobody_waiting() -> None:
    async def infer(batch: Batch) -> dict[str, Array]:
        raise asyncio.CancelledError

    made = await calls(Gatherer(infer, rows=2, busy=1), rows(1), rows(2))
    done, _ = await asyncio.wait(made, timeout=5)
    assert done == set(made)
    assert all(task.cancelled() for task in made)
