"""One watcher ends the requests to a model that hangs, and there is none while nothing waits."""

import asyncio

import pytest

from client import vigil
from client.errors import InferenceError, ServerUnavailableError, StalledError
from client.vigil import Vigil, Work


class Model:
    """A model that answers when it is told to, and whose work is read from here."""

    def __init__(self) -> None:
        self.executions = 0
        self.queue_s = 0.0
        self.reads = 0
        self.silent = False
        self.answers = asyncio.Event()
        self.torn = 0

    async def work(self) -> Work:
        self.reads += 1
        if self.silent:
            raise ServerUnavailableError("No server answers.")
        return Work(self.executions, batch_s=0.0, requests=self.executions, queue_s=self.queue_s)

    async def request(self) -> str:
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.torn += 1
            raise
        return "answer"


class Clock:
    """Time that passes when a test says so; a watcher looks at every turn of the event loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._at_s = 1000.0
        monkeypatch.setattr(vigil, "POLL_S", 0)
        monkeypatch.setattr(vigil, "AwakeClock", lambda: self)

    def now_s(self) -> float:
        return self._at_s

    async def advance(self, seconds: float) -> None:
        self._at_s += seconds
        await turns()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def turns() -> None:
    """Lets everything that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


def watched(model: Model) -> Vigil:
    return Vigil("toy version 1 at here:1", model.work, stall_s=60)


def tasks() -> int:
    return len(asyncio.all_tasks())


async def test_an_answer_is_passed_on() -> None:
    model = Model()
    model.answers.set()
    assert await watched(model).keep(model.request()) == "answer"


async def test_a_failure_is_passed_on_as_it_is() -> None:
    async def fail() -> None:
        raise InferenceError("It failed.")

    with pytest.raises(InferenceError, match=r"^It failed\.$"):
        await watched(Model()).keep(fail())


async def test_many_requests_have_one_watcher_that_ends_with_the_last(clock: Clock) -> None:
    model = Model()
    one = watched(model)
    before = tasks()
    waiting = [asyncio.create_task(one.keep(model.request())) for _ in range(10)]
    await turns()
    assert tasks() - before == 2 * 10 + 1
    model.answers.set()
    await asyncio.gather(*waiting)
    await turns()
    assert tasks() == before


async def test_nothing_is_read_while_nothing_waits(clock: Clock) -> None:
    model = Model()
    one = watched(model)
    waiting = asyncio.create_task(one.keep(model.request()))
    await turns()
    model.answers.set()
    await waiting
    reads = model.reads
    await turns()
    assert model.reads == reads > 0


async def test_all_requests_to_a_hung_model_end_at_once(clock: Clock) -> None:
    model = Model()
    one = watched(model)
    waiting = [asyncio.create_task(one.keep(model.request())) for _ in range(3)]
    await turns()
    await clock.advance(59)
    assert not any(task.done() for task in waiting)
    await clock.advance(2)
    for error in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(error, StalledError)
        assert "toy version 1 at here:1 has finished no batch for 61 s" in str(error)
        assert "while 3 requests wait: look at" in str(error)
    assert model.torn == 3


async def test_a_model_can_be_asked_anew_after_it_hung(clock: Clock) -> None:
    model = Model()
    one = watched(model)
    waiting = asyncio.create_task(one.keep(model.request()))
    await turns()
    await clock.advance(61)
    with pytest.raises(StalledError):
        await waiting
    model.answers.set()
    assert await one.keep(model.request()) == "answer"


async def test_how_requests_wait_can_be_asked_without_a_question_to_the_server(
    clock: Clock,
) -> None:
    model = Model()
    one = watched(model)
    waiting = [asyncio.create_task(one.keep(model.request())) for _ in range(3)]
    await turns()
    await clock.advance(5)
    reads, wait = model.reads, one.wait()
    assert (wait.requests, wait.quiet_s, wait.heard, wait.queue_s) == (3, 5, False, None)
    assert model.reads == reads
    model.executions, model.queue_s = 4, 2.0
    await clock.advance(0)
    await clock.advance(7)
    wait = one.wait()
    assert (wait.requests, wait.quiet_s, wait.heard, wait.queue_s) == (3, 7, True, 0.5)
    model.answers.set()
    await asyncio.gather(*waiting)
    assert one.wait().requests == 0


async def test_a_slow_model_is_waited_for(clock: Clock) -> None:
    model = Model()
    waiting = asyncio.create_task(watched(model).keep(model.request()))
    for _ in range(40):
        await clock.advance(50)
        model.executions += 1
        await turns()
    assert not waiting.done()
    model.answers.set()
    assert await waiting == "answer"


async def test_the_answer_to_another_request_is_a_sign_of_life(clock: Clock) -> None:
    model, quick = Model(), Model()
    quick.answers.set()
    one = watched(model)
    waiting = asyncio.create_task(one.keep(model.request()))
    await turns()
    await clock.advance(50)
    await one.keep(quick.request())
    await clock.advance(50)
    assert not waiting.done()
    await clock.advance(11)
    with pytest.raises(StalledError):
        await waiting


async def test_a_server_that_tells_nothing_is_no_stall_while_it_answers(clock: Clock) -> None:
    model = Model()
    model.silent = True
    waiting = asyncio.create_task(watched(model).keep(model.request()))
    await clock.advance(50)
    assert model.reads > 1
    model.answers.set()
    assert await waiting == "answer"


async def test_a_server_that_neither_tells_nor_answers_is_a_stall_that_says_so(
    clock: Clock,
) -> None:
    model = Model()
    model.silent = True
    waiting = asyncio.create_task(watched(model).keep(model.request()))
    await turns()
    await clock.advance(61)
    with pytest.raises(StalledError, match=r"and the whole server, have answered nothing for"):
        await waiting


async def test_a_cancelled_request_is_drained() -> None:
    model = Model()
    waiting = asyncio.create_task(watched(model).keep(model.request()))
    await turns()
    waiting.cancel()
    await turns()
    assert not waiting.done()
    model.answers.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert model.torn == 0


async def test_draining_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigil, "DRAIN_S", 0.01)
    model = Model()
    waiting = asyncio.create_task(watched(model).keep(model.request()))
    await turns()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await turns()
    assert model.torn == 1


async def test_a_second_cancellation_ends_the_draining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigil, "DRAIN_S", 3600)
    model = Model()
    waiting = asyncio.create_task(watched(model).keep(model.request()))
    for _ in range(2):
        await turns()
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
