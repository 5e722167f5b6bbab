"""A model that falls ill again and again is loaded less and less often."""

import pytest

from client.errors import InferenceError
from orchestrator.server.ward import LOADS, LONGEST_PAUSE_S, RELAPSE_S, Relapses


def test_the_first_cure_is_at_once_and_each_further_one_waits_longer() -> None:
    relapses = Relapses()
    assert [relapses.pause_s(second) for second in range(5)] == [0, 1, 2, 4, 8]


def test_no_cure_waits_for_ever() -> None:
    relapses = Relapses()
    pauses = [relapses.pause_s(30.0 * n) for n in range(2000)]
    assert max(pauses) == pauses[-1] == LONGEST_PAUSE_S


def test_a_model_that_was_well_for_long_is_cured_at_once() -> None:
    relapses = Relapses()
    for second in range(5):
        relapses.pause_s(second)
    assert relapses.pause_s(4 + RELAPSE_S) == 0


def test_loads_that_fail_in_a_row_are_too_much_in_the_end() -> None:
    relapses, error = Relapses(), InferenceError("It does not load.")
    for _ in range(LOADS - 1):
        relapses.failed(error)
    relapses.loaded()
    for _ in range(LOADS - 1):
        relapses.failed(error)
    with pytest.raises(InferenceError, match="It does not load"):
        relapses.failed(error)
