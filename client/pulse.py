"""Alive or hung: a model is alive while its execution count advances, however slowly."""

from collections.abc import Iterable

STALL_S = 120.0
BATCHES_PER_STALL = 20  # so many usual batches without an end are no slowness


class Pulse:
    """When a model was last seen to work, and how long it may be quiet.

    Times are seconds of one monotonic clock.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._batch_s = 0.0
        self._executions: int | None = None
        self._since_s = 0.0

    @property
    def limit_s(self) -> float:
        """How long the model may be quiet: 20 of its batches, and `stall_s` at least."""
        return max(self._stall_s, BATCHES_PER_STALL * self._batch_s)

    def begin(self, now_s: float) -> None:
        """Notes that a request begins to wait where none did."""
        self._executions = None
        self._since_s = now_s

    def answer(self, now_s: float) -> None:
        """Notes that a request of ours got an answer."""
        self._since_s = now_s

    def see(self, executions: int, batch_s: float, now_s: float) -> None:
        """Notes what the server tells of the model.

        Args:
            executions: Its execution count; a lower one than before is that of a new server.
            batch_s: The time of its median batch.
            now_s: When the server told it.
        """
        if self._executions not in (None, executions):
            self._since_s = now_s
        self._executions = executions
        self._batch_s = batch_s

    def quiet_s(self, now_s: float) -> float:
        """How long nothing was seen of the model."""
        return now_s - self._since_s

    def is_hung(self, now_s: float) -> bool:
        """Whether that is longer than it may be."""
        return self.quiet_s(now_s) >= self.limit_s


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
