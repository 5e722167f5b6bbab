"""Running a command: signals end it in order, errors end it with one line."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from client.errors import LipSyncError

R = TypeVar("R")

EXIT_ERROR = 1
_SIGNAL_BASE = 128  # shells report 128 + signal number


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Runs a command to its end.

    Raises:
        typer.Exit: With status 1 after one error line, 130 after Ctrl-C, 143 after SIGTERM.
    """
    try:
        return asyncio.run(_stoppable(coroutine))
    except LipSyncError as error:
        _complain(str(error))
        raise typer.Exit(EXIT_ERROR) from error
    except KeyboardInterrupt as error:
        _complain("stopped by Ctrl-C; nothing was written.")
        raise typer.Exit(_SIGNAL_BASE + signal.SIGINT) from error
    except asyncio.CancelledError as error:
        _complain("stopped by SIGTERM; nothing was written.")
        raise typer.Exit(_SIGNAL_BASE + signal.SIGTERM) from error


async def _stoppable(coroutine: Coroutine[Any, Any, R]) -> R:
    """Lets SIGTERM cancel the command as `asyncio.run` lets Ctrl-C do."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if task is not None:
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(signal.SIGTERM, task.cancel)
    return await coroutine


def _complain(sentence: str) -> None:
    console = Console(stderr=True, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), sentence))
