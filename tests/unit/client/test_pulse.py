"""A model is alive while its execution count advances, however slowly."""

from client.pulse import Pulse, QueueTime, median_batch_s


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


def test_a_model_is_heard_of_once_it_answers_or_advances() -> None:
    pulse, heard = begun(stall_s=10), list[bool]()
    pulse.see(7, 0.1, 101)
    heard.append(pulse.heard)
    pulse.see(8, 0.1, 102)
    heard.append(pulse.heard)
    pulse.begin(200.0)
    heard.append(pulse.heard)
    pulse.answer(201)
    heard.append(pulse.heard)
    assert heard == [False, True, False, True]


def test_the_time_in_the_queue_is_that_of_the_latest_requests() -> None:
    queue, means_s = QueueTime(), list[float | None]()
    for requests, total_s in ((1000, 900.0), (1010, 900.5), (1012, 901.5)):
        queue.see(requests, total_s)
        means_s.append(queue.mean_s)
    assert means_s == [None, 0.05, 0.5]


def test_the_time_in_the_queue_stays_known_while_nothing_is_executed() -> None:
    queue = QueueTime()
    queue.see(0, 0.0)
    queue.see(10, 1.0)
    queue.see(10, 1.0)
    assert queue.mean_s == 0.1


def test_a_new_server_counts_its_queue_anew() -> None:
    queue = QueueTime()
    queue.see(1000, 900.0)
    queue.see(4, 2.0)
    assert queue.mean_s == 0.5
