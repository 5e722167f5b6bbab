"""A version is asked when it is new, quiet or failing, and not while it works."""

from client.control import Vitals
from client.vigil import Work
from orchestrator.server.checkup import IDLE_S, LOAD, Checkup


def vitals(executions: int = 5, failures: int = 0, batch_s: float = 0.01) -> Vitals:
    return Vitals(Work(executions, batch_s), failures)


def asked(now_s: float = 100.0) -> Checkup:
    """The checkup of a version that was just asked, and counts what `vitals` says."""
    checkup = Checkup()
    checkup.is_due(vitals(), now_s)
    checkup.asked(now_s)
    checkup.is_due(vitals(), now_s)
    return checkup


def test_a_version_is_asked_when_it_is_first_seen() -> None:
    assert Checkup().is_due(vitals(), 0.0)


def test_a_quiet_version_is_asked_again_after_a_while() -> None:
    checkup = asked()
    assert not checkup.is_due(vitals(), 100 + IDLE_S - 1)
    assert checkup.is_due(vitals(), 100 + IDLE_S)


def test_a_version_that_works_is_not_asked() -> None:
    checkup = asked()
    for second in range(3 * int(IDLE_S)):
        assert not checkup.is_due(vitals(executions=6 + second), 100.0 + second)


def test_a_version_that_begins_to_fail_is_asked_at_once() -> None:
    assert asked().is_due(vitals(failures=1), 100.5)


def test_the_failure_of_the_question_is_no_new_one() -> None:
    checkup = asked()
    checkup.is_due(vitals(failures=1), 101.0)
    checkup.asked(102.0)
    assert not checkup.is_due(vitals(failures=2), 102.5)
    assert checkup.is_due(vitals(failures=3), 103.0)


def test_counts_that_begin_anew_are_no_failures() -> None:
    checkup = asked()
    checkup.is_due(vitals(failures=9), 101.0)
    assert not checkup.is_due(vitals(executions=0, failures=0), 101.5)


def test_a_slow_version_is_asked_less_often() -> None:
    checkup = asked()
    slow = vitals(batch_s=30)
    assert not checkup.is_due(slow, 100 + LOAD * 30 - 1)
    assert checkup.is_due(slow, 100 + LOAD * 30)
