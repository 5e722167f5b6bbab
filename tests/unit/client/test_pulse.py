"""A model is alive while its execution count advances, however slowly."""

from client.pulse import Pulse, median_batch_s


def begun(stall_s: float) -> Pulse:
    pulse = Pulse(stall_s)
    pulse.begin(100.0)
    return pulse


def test_a_model_that_executes_nothing_is_hung_at_the_limit() -> None:
    pulse = begun(stall_s=10)
    for now_s in (101, 105, 109):
        pulse.see(7, 0.1, now_s)
        assert not pulse.is_hung(now_s)
    pulse.see(7, 0.1, 110)
    assert pulse.is_hung(110)
    assert pulse.quiet_s(110) == 10


def test_a_model_is_alive_while_its_count_advances() -> None:
    pulse = begun(stall_s=10)
    for executions, now_s in enumerate(range(109, 10_000, 9)):
        pulse.see(executions, 0.1, now_s)
        assert not pulse.is_hung(now_s)


def test_the_first_count_that_is_seen_is_no_advance() -> None:
    pulse = begun(stall_s=10)
    pulse.see(7, 0.1, 109)
    assert pulse.is_hung(110)


def test_a_count_from_before_the_wait_does_not_matter() -> None:
    pulse = begun(stall_s=10)
    pulse.see(7, 0.1, 101)
    pulse.begin(200.0)
    pulse.see(9, 0.1, 205)
    assert pulse.is_hung(210)


def test_a_count_that_begins_again_is_a_living_server() -> None:
    pulse = begun(stall_s=10)
    pulse.see(700, 0.1, 101)
    pulse.see(1, 0.1, 109)
    assert not pulse.is_hung(118)


def test_an_answer_is_a_sign_of_life() -> None:
    pulse = begun(stall_s=10)
    pulse.answer(109)
    assert not pulse.is_hung(118)
    assert pulse.is_hung(119)


def test_a_model_may_take_twenty_of_its_batches() -> None:
    pulse = begun(stall_s=2)
    pulse.see(7, 3.0, 101)
    assert pulse.limit_s == 60
    assert not pulse.is_hung(159)
    assert pulse.is_hung(160)


def test_the_median_batch_is_found_among_sizes_of_different_number() -> None:
    assert median_batch_s([(1, 9.0), (10, 1.0), (2, 8.0)]) == 0.1
    assert median_batch_s([(1, 9.0), (2, 8.0)]) == 4.0
    assert median_batch_s([(3, 6.0)]) == 2.0


def test_sizes_that_never_ran_do_not_count() -> None:
    assert median_batch_s([(0, 0.0), (1, 5.0)]) == 5.0
    assert median_batch_s([]) == 0.0
