"""Requests share a run, and each is answered for itself."""

import threading

import numpy as np
import pytest

from backends.shared.batching import Arrays, run_requests
from backends.shared.pieces import SMALL_BYTES, in_pieces, piece_rows


class Halver:
    """Halves `x`; refuses negative numbers. Remembers the batch sizes that it ran."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, inputs: Arrays) -> Arrays:
        x = inputs["x"].astype(np.float32)
        self.runs.append(len(x))
        if (x < 0).any():
            raise ArithmeticError("negative")
        return {"y": x / 2}


def request(*values: float) -> Arrays:
    return {"x": np.array(values, np.float32)}


def answers(results: list[Arrays | Exception]) -> list[list[float] | type[Exception]]:
    return [
        type(result) if isinstance(result, Exception) else list(map(float, result["y"]))
        for result in results
    ]


def test_requests_of_any_size_share_one_run_and_get_their_own_part() -> None:
    model = Halver()
    results = run_requests([request(2), request(4, 6), request(8)], model)
    assert answers(results) == [[1], [2, 3], [4]]
    assert model.runs == [4]


def test_a_failing_request_does_not_fail_its_batch_mates() -> None:
    results = run_requests([request(2), request(-1), request(4)], Halver())
    assert answers(results) == [[1], ArithmeticError, [2]]


def test_a_request_of_another_shape_does_not_fail_its_batch_mates() -> None:
    odd = {"x": np.zeros((1, 3), np.float32), "z": np.zeros(2, np.float32)}
    results = run_requests([request(2), odd, request(4)], Halver())
    assert answers(results) == [[1], ValueError, [2]]


def test_requests_with_different_inputs_do_not_share_a_run() -> None:
    model = Halver()
    more = {**request(4), "z": np.zeros(1, np.float32)}
    assert answers(run_requests([request(2), more, request(6)], model)) == [[1], [2], [3]]
    assert model.runs == [1, 1, 1]


def test_without_a_batch_axis_requests_of_any_shape_are_run_one_by_one() -> None:
    seen: list[tuple[int, ...]] = []

    def run(inputs: Arrays) -> Arrays:
        seen.append(inputs["x"].shape)
        if inputs["x"].ndim == 0:
            raise ArithmeticError
        return {"y": np.zeros(7)}

    shapes: list[tuple[int, ...]] = [(2,), (), (3, 1)]
    requests = [{"x": np.zeros(shape)} for shape in shapes]
    results = run_requests(requests, run, batched=False)
    assert seen == shapes
    assert [isinstance(result, ArithmeticError) for result in results] == [False, True, False]


def test_inputs_whose_batch_sizes_only_add_up_across_requests_are_refused() -> None:
    crossed = [
        {"x": np.ones(1, np.float32), "z": np.ones(2, np.float32)},
        {"x": np.ones(2, np.float32), "z": np.ones(1, np.float32)},
    ]
    assert answers(run_requests(crossed, Halver())) == [ValueError, ValueError]


@pytest.mark.parametrize("count", [1, 2])
def test_an_output_without_the_batch_axis_is_an_error_that_names_it(count: int) -> None:
    results = run_requests([request(2, 2)] * count, lambda _: {"y": np.zeros(7)})
    assert len(results) == count
    for result in results:
        assert str(result).startswith("output y has shape [7] for a batch of 2")


def test_a_single_request_is_run_without_a_copy() -> None:
    single = request(1, 2)
    seen: list[Arrays] = []

    def run(inputs: Arrays) -> Arrays:
        seen.append(inputs)
        return {"y": inputs["x"]}

    run_requests([single], run)
    assert seen[0]["x"] is single["x"]


KB = 1024


@pytest.mark.parametrize(
    ("rows", "row_kb", "workers", "piece"),
    [
        (8, 1000, 2, 1),  # larger than a piece should be: one row each
        (8, 100, 2, 2),  # as many rows as a piece should have
        (8, 20, 2, 4),  # every worker has its share
        (7, 20, 2, 4),
        (8, 20, 1, 8),
        (1, 1000, 2, 1),
        (8, 1, 2, 8),  # so little is run whole
    ],
)
def test_pieces_are_for_the_cache_and_for_all_workers(
    rows: int, row_kb: int, workers: int, piece: int
) -> None:
    assert piece_rows(rows, rows * row_kb * KB, workers) == piece


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_outputs_of_pieces_come_in_the_order_of_the_rows(workers: int) -> None:
    halver = Halver()
    x = np.arange(7 * 50_000, dtype=np.float32).reshape(7, -1)
    outputs = in_pieces(halver, workers)({"x": x})
    np.testing.assert_array_equal(outputs["y"].astype(np.float32), x / 2)
    assert halver.runs == [1] * 7


def test_pieces_are_run_at_once() -> None:
    meeting = threading.Barrier(2, timeout=10)

    def meet(inputs: Arrays) -> Arrays:
        meeting.wait()
        return inputs

    in_pieces(meet, 2)({"x": np.zeros((2, SMALL_BYTES), np.uint8)})


def test_a_piece_that_loses_rows_is_told() -> None:
    def losing(inputs: Arrays) -> Arrays:
        return {"y": inputs["x"][:0]}

    with pytest.raises(ValueError, match=r"output y has shape \[0, 65536\] for a batch of 1"):
        in_pieces(losing, 2)({"x": np.zeros((2, SMALL_BYTES), np.uint8)})
