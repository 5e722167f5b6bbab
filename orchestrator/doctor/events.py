"""What lines of a log show, kept within bounds."""

import re
from collections import Counter
from dataclasses import dataclass, field

from orchestrator.doctor.log_lines import Line
from orchestrator.doctor.signs import Kind

MOST_ALIKE = 3  # events of one meaning that are told one by one


@dataclass(frozen=True)
class Event:
    """Something that a line of the log shows.

    Attributes:
        line: The line.
        kind: Whether it is a cause of failure, its consequence, or worth knowing only.
        sentence: What it means.
        mend: What to do about it; empty where nothing is to be done.
    """

    line: Line
    kind: Kind
    sentence: str
    mend: str = ""


@dataclass
class Events:
    """Events, of which many alike are only counted.

    Attributes:
        kept: The first few of each meaning.
        more: How many others there were.
    """

    kept: list[Event] = field(default_factory=list)
    more: int = 0
    _alike: Counter[str] = field(default_factory=Counter)

    def add(self, line: Line, kind: Kind, sentence: str, mend: str = "") -> None:
        """Keeps an event, or counts it."""
        meaning = re.sub(r"\d+", "0", sentence)
        self._alike[meaning] += 1
        if self._alike[meaning] <= MOST_ALIKE:
            self.kept.append(Event(line, kind, sentence, mend))
        else:
            self.more += 1

    def in_order(self) -> list[Event]:
        """Returns what was kept, in the order of the log."""
        return sorted(self.kept, key=lambda event: event.line.number)
