"""What the server's log says about a start that failed, or an end that nobody asked for."""

import re
from pathlib import Path

from client.errors import InputError

_ERROR = re.compile(
    r"^E\d+ .*(?:model_lifecycle|model_repository_manager|main)\.cc:\d+\] \"(?P<text>.*)\"$"
)
_PARSER = re.compile(r"^\[libprotobuf ERROR .*\] (?P<text>Error parsing.*)$")
_FATAL = re.compile(r"^error: (?P<text>.*)$")
_LEVELLED = re.compile(r"^[IWEF]\d{4} ")
_LOGGED_ERROR = re.compile(r"^[EF]\d{4} .*\.cc:\d+\] (?P<text>.*)$")
_NOISE = "CudaDriverHelper has not been initialized"  # said on every machine without a GPU
_TRACE = re.compile(r"\\n\\nAt:.*$")
_KIND = re.compile(r"Internal: (?:\w+(?:Error|Exception): )?")


class ServerLog:
    """The log of one server; readable after the file was removed, since it is open."""

    def __init__(self, path: Path) -> None:
        """Opens the log, and makes it where it does not exist.

        Raises:
            InputError: If that is not possible.
        """
        try:
            self._file = path.open("a+", encoding="utf-8", errors="replace")
        except OSError as error:
            raise InputError(
                f"The log file {path} cannot be written ({error.strerror}): name another."
            ) from error
        self.path = path.absolute()
        self._start = self._file.tell()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def text(self) -> str:
        """Returns what the server has written so far."""
        self._file.seek(self._start)
        return self._file.read()


def port_taken(text: str) -> bool:
    """Tells whether the server ended because another process had one of its ports."""
    return re.search(r"Socket '[^']*' already in use", text) is not None


def process_died(text: str) -> bool:
    """Tells whether the server ended because a model's process was killed while it loaded."""
    return re.search(r"failed to load .*Stub process '[^']*' is not healthy", text) is not None


def failure(text: str) -> str | None:
    """Returns why a server did not start, from its log, as a clause of one line; None if untold."""
    lines = text.splitlines()
    for pattern in (_ERROR, _FATAL):
        found = [m["text"] for line in lines if (m := pattern.match(line) or _PARSER.match(line))]
        if found:
            return "; ".join(dict.fromkeys(_tidy(reason) for reason in found))
    unlevelled = [line for line in lines if line.strip() and not _LEVELLED.match(line)]
    return _tidy(unlevelled[-1]) if unlevelled else None


def last_error(text: str) -> str | None:
    """Returns the last error that a server logged, as a clause of one line; None without one."""
    errors = [m["text"] for line in text.splitlines() if (m := _LOGGED_ERROR.match(line))]
    errors = [error for error in errors if _NOISE not in error]
    return _tidy(errors[-1].strip('"')) if errors else None


def _tidy(reason: str) -> str:
    return " ".join(_KIND.sub("", _TRACE.sub("", reason)).split()).rstrip(".;")
