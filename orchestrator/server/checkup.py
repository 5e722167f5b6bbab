"""When a version of a model is to be asked for a sign of life."""

from client.control import Vitals

IDLE_S = 10.0
LOAD = 20  # asking a slow model takes one part in twenty of its time at most


class Checkup:
    """Decides it from what the server counts.

    Asking is for what is seen for the first time, what is quiet, and what begins to fail.
    """

    def __init__(self) -> None:
        self._asked_s = float("-inf")
        self._executions: int | None = None
        self._failures: int | None = None

    def is_due(self, vitals: Vitals, now_s: float) -> bool:
        """Notes what the server counts, and tells whether it is time to ask."""
        failing = self._failures is not None and vitals.failures > self._failures
        if self._executions not in (None, vitals.work.executions):
            self._asked_s = now_s  # it works: that is an answer
        self._executions = vitals.work.executions
        self._failures = vitals.failures
        return failing or now_s - self._asked_s >= max(IDLE_S, LOAD * vitals.work.batch_s)

    def asked(self, now_s: float) -> None:
        """Notes that it was asked; a failure of that question is no new one."""
        self._asked_s = now_s
        self._failures = None
