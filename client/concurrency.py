"""Structured concurrency that ends with one cause."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def first_cause() -> Iterator[None]:
    """Raises the first real cause instead of the ExceptionGroup of a `TaskGroup`."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise _leaf(group) from group


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
