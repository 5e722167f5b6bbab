"""Python's tracebacks in a log into which several processes write at once."""

import re
from dataclasses import dataclass

from orchestrator.doctor.log_lines import Line
from orchestrator.doctor.signs import PROCESSES

_LONGEST = 400  # lines
_BEGIN = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\W*File ".*", line \d+, in (\S+)')
_EXCEPTION = re.compile(
    r"^\W{0,2}(?P<name>[A-Za-z_][\w.]*(?:Error|Exception|Empty|Full|Timeout|Exit|Interrupt))\b"
)
_DYING = re.compile(r"Process \S+:\s*$")
_LOGGED = re.compile(r"^\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d")


@dataclass(frozen=True)
class Raised:
    """An exception that ended its traceback.

    Attributes:
        line: Where it is told.
        name: Its class, without modules.
        process: Which process of the service raised it, where that is known.
        died: Whether nothing caught it, so that the process ended.
    """

    line: Line
    name: str
    process: str | None
    died: bool


@dataclass
class _Open:
    process: str | None = None
    died: bool = False
    lines: int = 0


@dataclass
class Tracebacks:
    """Follows tracebacks line by line."""

    _open: _Open | None = None
    _dying: bool = False

    def follow(self, line: Line) -> tuple[bool, Raised | None]:
        """Takes the next line.

        Returns:
            Whether the line belongs to a traceback, and what that ends with if it ends here.
        """
        text = line.text
        if _BEGIN in text:
            self._open, self._dying = _Open(died=self._dying), False
            return True, None
        self._dying = _DYING.match(text) is not None
        if self._open is None or _LOGGED.match(text):
            return self._dying, None
        return self._inside(self._open, line)

    def _inside(self, traceback: _Open, line: Line) -> tuple[bool, Raised | None]:
        traceback.lines += 1
        if frame := _FRAME.match(line.text):
            _note_frame(traceback, frame[1])
            return True, None
        raised = _EXCEPTION.match(line.text)
        if raised is None and traceback.lines < _LONGEST:
            return line.text.startswith((" ", "\t")), None
        self._open = None
        if raised is None:
            return False, None
        name = raised["name"].rpartition(".")[2]
        return True, Raised(line, name, traceback.process, traceback.died)


def _note_frame(traceback: _Open, function: str) -> None:
    if function == "_bootstrap":
        traceback.died = True
    for process in PROCESSES:
        if traceback.process is None and process in function:
            traceback.process = process
