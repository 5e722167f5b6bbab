"""Running a command: signals end it in order, errors end it with one line."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from client.errors import LipSyncError, OutputError
from orchestrator.cli.signals import SIGNAL_BASE, on_stop, on_usr1

R = TypeVar("R")

EXIT_ERROR = 1
EXIT_USAGE = 2


class _StoppedError(Exception):
    """A signal asked the command to stop."""

    def __init__(self, number: signal.Signals, *, is_done: bool) -> None:
        super().__init__(number.name)
        self.number = number
        self.is_done = is_done


def run_app(app: typer.Typer) -> int:
    """Runs the command line.

    Returns:
        The exit status: 1 after an error and 2 after a wrong option, each told in one line;
        128 + signal number after a signal.
    """
    try:
        return int(app(standalone_mode=False) or 0)
    except _StoppedError as stopped:
        what = "the result was written before" if stopped.is_done else "nothing was written"
        _complain(f"stopped by {stopped.number.name}; {what}.")
        return SIGNAL_BASE + stopped.number
    except KeyboardInterrupt:
        return SIGNAL_BASE + signal.SIGINT
    except LipSyncError as error:
        _complain(str(error))
        return EXIT_ERROR
    except typer.TyperException as error:
        return _explain_usage(error)


def run(
    coroutine: Coroutine[Any, Any, R],
    *,
    on_asked: Callable[[], None] | None = None,
    is_done: Callable[[], bool] = lambda: False,
) -> R:
    """Runs one command's work; Ctrl-C, SIGTERM and a closed terminal cancel it in order.

    A second such signal ends the process at once, whatever it is at.

    Args:
        coroutine: The work.
        on_asked: Called in its event loop at every SIGUSR1.
        is_done: Tells whether the work, when a signal ends it, had its result in place.

    Raises:
        LipSyncError: What the work raises.
        _StoppedError: If a signal ended it.
    """
    stopped: list[signal.Signals] = []
    try:
        return asyncio.run(_stoppable(coroutine, stopped, on_asked))
    except (asyncio.CancelledError, LipSyncError) as error:
        if not stopped:
            raise
        raise _StoppedError(stopped[0], is_done=is_done()) from error


def show(text: str) -> None:
    """Prints a result on standard output.

    Raises:
        OutputError: If nobody takes it.
    """
    if sys.stdout is None:  # it was closed from the start: nobody wants to read
        return
    try:
        typer.echo(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the exit flushes again
        raise OutputError(
            f"The work is done, but standard output took no report of it ({error.strerror})."
        ) from error


def printable(text: str) -> str:
    """Keeps text to one line: line breaks, terminal codes and broken letters appear as escapes."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


async def _stoppable(
    coroutine: Coroutine[Any, Any, R],
    stopped: list[signal.Signals],
    on_asked: Callable[[], None] | None,
) -> R:
    """Lets the first signal cancel the work."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop(number: signal.Signals) -> None:
        stopped.append(number)
        if task is not None:
            task.cancel()

    with on_stop(loop, stop), on_usr1(loop, on_asked):
        return await coroutine


def _explain_usage(error: typer.TyperException) -> int:
    """Tells a wrong command line in one line; a bare command has shown its help already."""
    message = " ".join(_message(error).replace("Value error, ", "").split())
    if not message:
        return EXIT_USAGE
    command = getattr(getattr(error, "ctx", None), "command_path", "orchestrator")
    _complain(f"{message.rstrip('.')}; see {command} --help.")
    return EXIT_USAGE


def _message(error: typer.TyperException) -> str:
    """The sentence with the name of the option, which the bare text of the error lacks."""
    written = getattr(error, "format_message", None)
    return str(written()) if written is not None else str(error)


def _complain(sentence: str) -> None:
    console = Console(stderr=True, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), printable(sentence)))
