"""One run for many requests, and every request answered for itself."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Arrays: TypeAlias = Mapping[str, NDArray[np.generic]]
Run: TypeAlias = Callable[[Arrays], Arrays]


def run_requests(
    requests: Sequence[Arrays], run: Run, *, batched: bool = True
) -> list[Arrays | Exception]:
    """Runs requests as one batch; when that fails, one by one, so that only the guilty fail.

    Args:
        requests: Inputs of each request, first axis the batch.
        run: Runs the model once.
        batched: Whether there is a batch axis; without one, requests are run one by one.

    Returns:
        Outputs of each request, or what went wrong with it.
    """
    if not batched:
        return [_attempt(run, request) for request in requests]
    if len(requests) > 1 and _have_same_inputs(requests):
        with suppress(Exception):  # whatever it is, the runs below meet it again
            return list(_run_joined(requests, run))
    return [_attempt(lambda alone: _run_alone(alone, run), request) for request in requests]


def batch_size(request: Arrays) -> int:
    """Returns the extent of the first axis, which all inputs must share.

    Raises:
        ValueError: If they do not.
    """
    sizes = {name: array.shape[0] if array.ndim else 0 for name, array in request.items()}
    if len(set(sizes.values())) != 1 or 0 in sizes.values():
        raise ValueError(f"the inputs need one batch size of at least 1, got {sizes}")
    return next(iter(sizes.values()))


def _have_same_inputs(requests: Sequence[Arrays]) -> bool:
    """Whether nobody's optional input would be lost, or become another's."""
    return all(request.keys() == requests[0].keys() for request in requests)


def _run_joined(requests: Sequence[Arrays], run: Run) -> list[Arrays]:
    sizes = [batch_size(request) for request in requests]
    joined = {name: np.concatenate([r[name] for r in requests]) for name in requests[0]}
    outputs = run_checked(joined, sum(sizes), run)
    ends = list(accumulate(sizes))
    return [
        {name: array[end - size : end] for name, array in outputs.items()}
        for size, end in zip(sizes, ends, strict=True)
    ]


def _run_alone(request: Arrays, run: Run) -> Arrays:
    return run_checked(request, batch_size(request), run)


def _attempt(run: Run, request: Arrays) -> Arrays | Exception:
    try:
        return run(request)
    except Exception as error:  # becomes this request's answer
        return error


def run_checked(inputs: Arrays, size: int, run: Run) -> Arrays:
    """Runs the model once, and makes sure that it gives as many rows as it was given.

    Raises:
        ValueError: If it does not.
    """
    outputs = run(inputs)
    for name, array in outputs.items():
        if array.shape[:1] != (size,):
            raise ValueError(
                f"output {name} has shape {list(array.shape)} for a batch of {size}; export the "
                "model so that the first axis of every output is the batch"
            )
    return outputs
