"""Frames in flight follow the server's batches and the way to it."""

from orchestrator.pipeline.depth import in_flight


def test_on_one_host_one_batch_is_computed_while_the_next_one_gathers() -> None:
    assert in_flight(8, 1, 0.080, 0.001) == 16
    assert in_flight(8, 1, 0, 0.001) == 16


def test_every_instance_has_its_own() -> None:
    assert in_flight(8, 3, 0.080, 0.001) == 48


def test_a_long_way_takes_as_many_batches_as_are_done_meanwhile() -> None:
    assert in_flight(8, 1, 0.010, 0.050) == 8 * (2 + 5)


def test_memory_stays_bounded_however_long_the_way_is() -> None:
    assert in_flight(8, 1, 0.0001, 1.0) == 8 * 16
