"""A clock that stands still while its process is suspended."""

import time

LONGEST_STEP_S = 4.0  # whoever watches looks more often than that


class AwakeClock:
    """Seconds during which this process could see what goes on.

    Who was suspended, or starved, must not take that time for somebody else's silence.
    """

    def __init__(self) -> None:
        self._seen_s = time.monotonic()
        self._awake_s = 0.0

    def now_s(self) -> float:
        """Returns the time; each step since the last question counts for four seconds at most."""
        seen_s = time.monotonic()
        self._awake_s += min(seen_s - self._seen_s, LONGEST_STEP_S)
        self._seen_s = seen_s
        return self._awake_s
