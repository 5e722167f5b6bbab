"""Calls are made again while the server is away, with pauses that grow, until a budget is spent."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from client.errors import InferenceError, ModelUnavailableError, ServerUnavailableError
from client.retry import LONGEST_DELAY_S, Retries, delay_s

Call = Callable[[], Awaitable[int]]


class Clock:
    """Time that passes only in pauses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr("client.retry._now_s", lambda: self.now_s)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, pause_s: float) -> None:
        self.now_s += pause_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def away(clock: Clock, until_s: float) -> Call:
    """A server that is away until some time, and then answers with the number of its calls."""
    calls = 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        if clock.now_s < until_s:
            raise ServerUnavailableError("No server answers.")
        return calls

    return call


def test_pauses_double_up_to_a_limit() -> None:
    assert [delay_s(n, 0.0) for n in range(4)] == [0.1, 0.2, 0.4, 0.8]
    assert delay_s(30, 0.0) == LONGEST_DELAY_S


def test_chance_shortens_a_pause_by_up_to_a_half() -> None:
    assert delay_s(3, 0.5) == pytest.approx(0.6)
    assert delay_s(3, 1.0) == pytest.approx(0.4)


async def test_a_server_that_comes_back_within_the_budget_is_waited_for(clock: Clock) -> None:
    calls = await Retries(30).run(away(clock, until_s=1025))
    assert 14 <= calls <= 30
    assert clock.now_s < 1028


async def test_a_server_that_stays_away_is_an_error_before_the_budget_is_exceeded(
    clock: Clock,
) -> None:
    with pytest.raises(ServerUnavailableError, match=r"^Asked again for 30 s in vain: No server"):
        await Retries(30).run(away(clock, until_s=2000))
    assert 1027 < clock.now_s <= 1030


async def test_a_budget_of_nothing_makes_no_call_twice(clock: Clock) -> None:
    with pytest.raises(ServerUnavailableError, match=r"^No server answers\.$"):
        await Retries(0).run(away(clock, until_s=1001))
    assert clock.now_s == 1000


async def test_the_success_of_another_request_renews_the_budget(clock: Clock) -> None:
    retries = Retries(10)
    turned_away = 0

    async def unlucky() -> int:
        nonlocal turned_away
        turned_away += 1
        await retries.run(away(clock, until_s=0))
        if clock.now_s < 1040:
            raise ServerUnavailableError("The queue is full.")
        return turned_away

    assert await retries.run(unlucky) > 10


async def test_budgets_of_different_outages_do_not_add_up(clock: Clock) -> None:
    retries = Retries(10)
    for _ in range(5):
        await retries.run(away(clock, until_s=clock.now_s + 7))
        clock.now_s += 100


@pytest.mark.parametrize("kind", [InferenceError, ModelUnavailableError])
async def test_any_other_failure_is_final(clock: Clock, kind: type[Exception]) -> None:
    calls = 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        raise kind("It failed.")

    with pytest.raises(kind, match=r"^It failed\.$"):
        await Retries(30).run(call)
    assert calls == 1
