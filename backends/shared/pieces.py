"""A batch is run in pieces: on several cores at once, each small enough for a core's cache.

Pieces of a batch share nothing, so that they scale with the cores where the threads of one
operator wait for each other. Measured with the built-in models on two cores: 1.1 to 1.7 times the
rows per second of whole batches with two threads in an operator.
"""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import numpy as np

from backends.shared.batching import Arrays, Run, batch_size, run_checked

PIECE_BYTES = 2**18  # of inputs; what a model computes of them has to find room in the cache, too
SMALL_BYTES = 2**16  # a batch with less is run whole: handing it to threads would cost more


def in_pieces(run: Run, workers: int) -> Run:
    """Returns a function that runs a batch in pieces.

    Args:
        run: Runs the model once, in any thread; the first axis of all tensors is the batch.
        workers: Pieces that are run at once.
    """
    pool = ThreadPoolExecutor(workers, "piece") if workers > 1 else None

    def run_pieces(inputs: Arrays) -> Arrays:
        rows = batch_size(inputs)
        size = piece_rows(rows, sum(array.nbytes for array in inputs.values()), workers)
        if size == rows:
            return run(inputs)
        starts = range(0, rows, size)
        parts = _mapped(pool, partial(_run_piece, run, inputs, size), starts)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return run_pieces


def piece_rows(rows: int, size_bytes: int, workers: int) -> int:
    """Returns how many rows a piece of a batch has.

    Args:
        rows: Rows of the batch.
        size_bytes: Bytes of its inputs.
        workers: Pieces that are run at once.
    """
    if size_bytes < SMALL_BYTES:
        return rows
    return max(1, min(-(-rows // workers), PIECE_BYTES * rows // size_bytes))


def _mapped(pool: Executor | None, work: Callable[[int], Arrays], starts: range) -> list[Arrays]:
    return list(map(work, starts) if pool is None else pool.map(work, starts))


def _run_piece(run: Run, inputs: Arrays, size: int, start: int) -> Arrays:
    piece = {name: array[start : start + size] for name, array in inputs.items()}
    return run_checked(piece, batch_size(piece), run)
