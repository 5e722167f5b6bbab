"""Alive or hung: a model is alive while its execution count advances, however slowly."""

from collections.abc import Iterable

STALL_S = 120.0
BATCHES_PER_STALL = 20  # so many usual batches without an end are no slowness


class Pulse:
    """When a model was last seen to work, and how long it may be quiet.

    Times are seconds of one monotonic clock.

    Attributes:
        heard: Whether it was seen to work at all since a request began to wait where none did.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._batch_s = 0.0
        self._executions: int | None = None
        self._since_s = 0.0
        self.heard = False

    @property
    def limit_s(self) -> float:
        """How long the model may be quiet: 20 of its batches, and `stall_s` at least."""
        return max(self._stall_s, BATCHES_PER_STALL * self._batch_s)

    @property
    def batch_s(self) -> float:
        """The time of its median batch; 0 where that is not known."""
        return self._batch_s

    def begin(self, now_s: float) -> None:
        """Notes that a request begins to wait where none did."""
        self._executions = None
        self._heard_at(now_s, heard=False)

    def answer(self, now_s: float) -> None:
        """Notes that a request of ours got an answer."""
        self._heard_at(now_s)

    def see(self, executions: int, batch_s: float, now_s: float) -> None:
        """Notes what the server tells of the model.

        Args:
            executions: Its execution count; a lower one than before is that of a new server.
            batch_s: The time of its median batch.
            now_s: When the server told it.
        """
        if self._executions not in (None, executions):
            self._heard_at(now_s)
        self._executions = executions
        self._batch_s = batch_s

    def quiet_s(self, now_s: float) -> float:
        """How long nothing was seen of the model."""
        return now_s - self._since_s

    def is_hung(self, now_s: float) -> bool:
        """Whether that is longer than it may be."""
        return self.quiet_s(now_s) >= self.limit_s

    def _heard_at(self, now_s: float, *, heard: bool = True) -> None:
        self._since_s, self.heard = now_s, heard


class QueueTime:
    """How long requests to a model lately spent in the server's queue.

    Attributes:
        mean_s: Mean of those that were executed since the server was asked before; that of
            earlier ones where there were none, and None before any is known.
    """

    def __init__(self) -> None:
        self.mean_s: float | None = None
        self._seen: tuple[int, float] | None = None

    def see(self, requests: int, total_s: float) -> None:
        """Notes what the server tells.

        Args:
            requests: Its count of executed requests; a lower one than before is that of a new
                server.
            total_s: Their seconds in the queue together.
        """
        before, before_s = self._seen or (requests, total_s)
        if requests < before:
            before, before_s = 0, 0.0
        if requests > before:
            self.mean_s = (total_s - before_s) / (requests - before)
        self._seen = requests, total_s


def median_batch_s(batches: Iterable[tuple[int, float]]) -> float:
    """Returns the time of the median batch, 0 where there was none.

    Args:
        batches: For every batch size, how many there were and their seconds together: servers
            tell no single times, so that those of one size count as equal.
    """
    means = sorted((total_s / count, count) for count, total_s in batches if count)
    left = sum(count for _, count in means) / 2
    for mean_s, count in means:
        left -= count
        if left <= 0:
            return mean_s
    return 0.0
