"""A process that dies while its model loads is missed; the server itself waits on for it."""

from orchestrator.server.loading import PATIENCE_S, Loading


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lost_after(*dead: int) -> bool:
    """Whether it is lost when so many are seen to be dead, one look after the other."""
    clock = Clock()
    loading = Loading(clock)
    for count in dead:
        loading.look(count)
        clock.now += PATIENCE_S + 0.1
    return loading.is_lost


def test_a_server_without_dead_processes_is_waited_for() -> None:
    assert not lost_after(0, 0, 0)


def test_a_dead_process_that_the_server_says_nothing_of_is_a_loss() -> None:
    assert lost_after(0, 1)


def test_the_server_is_given_a_moment_to_say_so_itself() -> None:
    loading = Loading(Clock())
    loading.look(1)
    assert not loading.is_lost


def test_one_that_the_server_took_notice_of_is_none() -> None:
    assert not lost_after(1, 0)
