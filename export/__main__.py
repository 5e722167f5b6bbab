"""`python -m export`: users' own weights become versions of served models."""

import sys

import typer

from client.errors import LipSyncError
from export.commands import application

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_STOPPED = 130

_NAME = "python -m export"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: Behind the program's name; those of the process if not given.

    Returns:
        The exit status: 1 after an error and 2 after a wrong option, each told in one line.
    """
    try:
        result = application()(args=arguments, prog_name=_NAME, standalone_mode=False)
    except LipSyncError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return EXIT_ERROR
    except typer.TyperException as error:
        return _explain(error)
    except (KeyboardInterrupt, typer.Abort):
        result = EXIT_STOPPED
    if result == EXIT_STOPPED:  # typer gives it for Ctrl-C within a command
        print("stopped.", file=sys.stderr)
    return int(result or 0)


def _explain(error: typer.TyperException) -> int:
    written = getattr(error, "format_message", None)
    message = " ".join((written() if written is not None else str(error)).split())
    if message:
        print(f"{message.rstrip('.')}; see {_NAME} --help.", file=sys.stderr)
    return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
