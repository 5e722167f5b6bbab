"""The benchmark of sharing a server: what it counts, and what it lets pass."""

import pytest

from benchmarks.sharing import Done, Turn, summarise


def turn(*stages_s: float, wall_s: float = 20.0) -> Turn:
    return Turn([Done(200, s, 100.0 + s) for s in stages_s], wall_s)


def test_the_rate_of_commands_holds_the_start_of_the_processes() -> None:
    assert turn(8.0, 10.0, wall_s=20.0).command_fps == 20.0


def test_the_rate_of_stages_begins_with_the_first_work_and_ends_with_the_last() -> None:
    early, late = Done(200, 8.0, 108.0), Done(200, 8.0, 110.0)
    assert Turn([early, late], 20.0).stage_fps == 40.0
    assert Turn([early], 20.0).stage_fps == 25.0


def test_the_spread_is_the_slowest_job_over_the_fastest() -> None:
    assert turn(8.0, 10.0, 9.0).spread == 1.25


@pytest.mark.parametrize(
    ("together", "passes"),
    [
        ((32.0, 32.0, 32.0, 32.0), True),
        ((34.0, 34.0, 34.0, 34.0), False),  # 0.94 of one alone
        ((20.0, 20.0, 20.0, 27.0), False),  # fast, but unjust
    ],
)
def test_both_limits_must_be_kept(together: tuple[float, ...], passes: bool) -> None:
    assert summarise([turn(8.0)], [turn(*together)]) is passes


def test_medians_leave_out_a_turn_that_was_disturbed() -> None:
    fair = turn(32.0, 32.0, 32.0, 32.0)
    assert summarise([turn(8.0)] * 3, [fair, turn(90.0, 20.0, 20.0, 20.0), fair])
