"""Signals: the first asks a command to stop, a second one ends it, and SIGUSR1 asks how it goes.

The handlers are Python's own and not an event loop's, which does not always turn: a second Ctrl-C
must end a command whose threads hang, and SIGUSR1 must not end one that has no loop yet.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from orchestrator.cli.lines import offer

if TYPE_CHECKING:  # it takes long to read, and SIGUSR1 may be there before
    import asyncio

SIGNAL_BASE = 128  # shells report 128 + signal number
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_STANDARD_ERROR = 2
_SHOW_CURSOR = "\x1b[?25h\n"  # progress bars hide it

Handler = Callable[[int, FrameType | None], object]


def ignore_usr1() -> None:
    """Keeps SIGUSR1 from ending the process; those that it starts do not inherit this."""
    signal.signal(signal.SIGUSR1, lambda *_: None)


def end_at_once_when_stopped() -> None:
    """From now on a signal that asks to stop ends the process, with one line and no more ado."""
    for number in _heard():
        signal.signal(number, _end_at_once)


def leave() -> None:
    """For a command that is done: Python still waits for threads, and then drops its handlers."""
    end_at_once_when_stopped()
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


@contextmanager
def on_stop(
    loop: "asyncio.AbstractEventLoop", stop: Callable[[signal.Signals], None]
) -> Iterator[None]:
    """While it lasts, the first signal that asks to stop calls `stop` in the loop, once.

    From that signal on, a second one ends the process at once.
    """

    def handle(number: int, _frame: FrameType | None) -> None:
        end_at_once_when_stopped()
        loop.call_soon_threadsafe(stop, signal.Signals(number))

    with _handled(_heard(), handle):
        yield


@contextmanager
def on_usr1(loop: "asyncio.AbstractEventLoop", answer: Callable[[], None] | None) -> Iterator[None]:
    """While it lasts, every SIGUSR1 calls `answer` in the loop; None leaves it as it is."""
    if answer is None:
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(answer)

    with _handled([signal.SIGUSR1], handle):
        yield


def _heard() -> list[signal.Signals]:
    """A closed terminal is none of the business of what was started by `nohup`."""
    is_hup_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [n for n in STOP_SIGNALS if not (n == signal.SIGHUP and is_hup_ignored)]


@contextmanager
def _handled(numbers: Sequence[signal.Signals], handler: Handler) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, earlier)


def _end_at_once(number: int, _frame: FrameType | None) -> NoReturn:
    cursor = _SHOW_CURSOR if os.isatty(_STANDARD_ERROR) else ""
    name = signal.Signals(number).name
    offer(
        f"{cursor}error: ended at once by {name}; what was under way is left as it is.",
        _STANDARD_ERROR,
    )
    os._exit(SIGNAL_BASE + number)
