"""Calls that are made again while the server is away: inference is pure, so that this is safe."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import SystemRandom
from typing import TypeVar

from client.errors import ServerUnavailableError

R = TypeVar("R")

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 2.0

_RANDOM = SystemRandom()

logger = logging.getLogger(__name__)


class Retries:
    """One budget for the calls to one model: so many seconds without any success.

    Args:
        budget_s: How long; 0 makes no call twice.
    """

    def __init__(self, budget_s: float) -> None:
        self._budget_s = budget_s
        self._succeeded_s = float("-inf")

    async def run(self, call: Callable[[], Awaitable[R]]) -> R:
        """Makes a call, again and again while the server is away.

        Raises:
            ServerUnavailableError: If it stays away for longer than the budget.
            LipSyncError: Any other failure of the call, at once.
        """
        attempt, failed_s = 0, None
        while True:
            try:
                result = await call()
            except ServerUnavailableError as error:
                failed_s = failed_s or _now_s()
                await self._pause(attempt, failed_s, error)
                attempt += 1
            else:
                self._succeeded_s = _now_s()
                return result

    async def _pause(self, attempt: int, failed_s: float, error: ServerUnavailableError) -> None:
        if self._budget_s == 0:
            raise error
        pause_s = delay_s(attempt, _RANDOM.random())
        away_s = _now_s() - max(failed_s, self._succeeded_s)
        if away_s + pause_s > self._budget_s:
            raise ServerUnavailableError(
                f"Asked again for {self._budget_s:g} s in vain: {error}"
            ) from error
        logger.info("%s Asked again in %.1f s.", error, pause_s)
        await asyncio.sleep(pause_s)


def delay_s(attempt: int, draw: float) -> float:
    """Returns the pause after a failed attempt: twice as long each time, up to 2 s.

    Args:
        attempt: 0 for the first one.
        draw: A random number in 0..1, which shortens the pause by up to a half: clients that
            failed together do not come back together.
    """
    return min(FIRST_DELAY_S * 2.0**attempt, LONGEST_DELAY_S) * (1 - draw / 2)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
