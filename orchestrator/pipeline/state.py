"""What the items of a stage wait for, kept up to date by `run_stage`."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

DECODER = "the decoder"
ENCODER = "the encoder"


class Step:
    """One item under way.

    Attributes:
        calls: How many calls in threads it waits for; without any it waits for a model.
    """

    def __init__(self) -> None:
        self.calls = 0


class StageState:
    """What the items of one stage wait for: whoever makes the next step is the one to wait for."""

    def __init__(
        self, source: str = DECODER, *, work: str = "the painting", sink: str = ENCODER
    ) -> None:
        """Names who can be waited for, besides models.

        Args:
            source: Gives the items.
            work: What threads do with an item under way.
            sink: Takes the results, and completes what is made of them.
        """
        self._source = source
        self._work = work
        self._sink = sink
        self._steps = deque[Step]()
        self._place: str | None = source

    @property
    def in_flight(self) -> int:
        """How many items are under way."""
        return len(self._steps)

    @property
    def waits_for(self) -> str | None:
        """Who makes the next step of the first item; None is a model."""
        if self._place is None and self._steps and self._steps[0].calls:
            return self._work
        return self._place

    def begin(self) -> Step:
        """Notes an item that came from the source."""
        self._steps.append(Step())
        return self._steps[-1]

    def transform(self) -> None:
        """Notes that the first item's result is waited for."""
        self._place = None

    def store(self) -> None:
        """Notes that the sink takes a result, or completes what was made of all."""
        self._place = self._sink

    def end(self) -> None:
        """Notes that the first item is done with, so that the next one is waited for."""
        self._steps.popleft()
        self._place = self._source


_step: ContextVar[Step | None] = ContextVar("step", default=None)


def work_on(step: Step) -> None:
    """Makes all that follows in this task, and in those that it starts, part of an item."""
    _step.set(step)


@contextmanager
def in_thread() -> Iterator[None]:
    """While it lasts, the item that this task is part of waits for a thread."""
    step = _step.get() or Step()
    step.calls += 1
    try:
        yield
    finally:
        step.calls -= 1
