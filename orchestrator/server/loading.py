"""Did a process of a model die while its server loads it? The server itself waits on for it."""

import time
from collections.abc import Callable

# A server tells within a moment that a model did not load, and then ends.
PATIENCE_S = 3.0


class Loading:
    """What was seen of the processes of a server that starts.

    Args:
        now_s: A monotonic clock.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lost_s: float | None = None

    def look(self, dead: int) -> None:
        """Notes how many processes are dead and still the server's children."""
        if not dead:
            self._lost_s = None
        elif self._lost_s is None:
            self._lost_s = self._now_s()

    @property
    def is_lost(self) -> bool:
        """Whether the server has known of a death for longer than it takes to say so."""
        return self._lost_s is not None and self._now_s() - self._lost_s > PATIENCE_S
