"""`orchestrator doctor --explain`: an old service's log in plain sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.doctor.events import Event
from orchestrator.doctor.log_lines import read_lines
from orchestrator.doctor.story import Story, count


@dataclass(frozen=True)
class Explanation:
    """What a log shows.

    Attributes:
        summary: One paragraph.
        events: What led to it, in the order of the log.
        more: How many further events are alike one of these.
        advice: What to do, most important first.
    """

    summary: str
    events: tuple[Event, ...]
    more: int
    advice: tuple[str, ...]

    def as_text(self) -> str:
        """Writes it for people."""
        return "\n".join(self._lines())

    def as_data(self) -> dict[str, Any]:
        """Gives it as what JSON can hold."""
        return {
            "summary": self.summary,
            "events": [_as_data(event) for event in self.events],
            "more_alike": self.more,
            "advice": list(self.advice),
        }

    def _lines(self) -> Iterator[str]:
        yield self.summary
        for event in self.events:
            yield ""
            yield f"{event.kind:<7} line {event.line.number}: {event.sentence}."
            yield f"        | {event.line.quoted}"
        if self.more:
            yield f"\nand {self.more} more like these."
        if self.advice:
            yield "\nWhat to do:"
            yield from (f"  - {advice}" for advice in self.advice)


def explain(log: Path) -> Explanation:
    """Reads the log of a HeyGem or Duix service.

    Args:
        log: A file of any size: its `dh.log`, or what Docker shows of it.

    Raises:
        InputError: If the file cannot be read.
    """
    story = Story()
    for line in read_lines(log):
        story.tell(line)
    story.end()
    events = story.events.in_order()
    return Explanation(_summary(story, events), tuple(events), story.events.more, _advice(events))


def _summary(story: Story, events: list[Event]) -> str:
    if not events and not story.recognised:
        return (
            f"Nothing in these {story.lines} lines is recognised: this is no log of a HeyGem or"
            " Duix service, or of a version that is not known here."
        )
    if not events:
        return (
            f"These {story.lines} lines are such a service's and show no failure that is known"
            f" here; {count(story.finished, 'task')} finished."
        )
    causes = [event for event in events if event.kind == "cause"]
    if causes:
        first = causes[0]
        whose = "" if story.recognised else "This is hardly the log of a HeyGem or Duix service. "
        where = f"is at line {first.line.number}: {first.sentence}"
        return f"{whose}The first cause that the log shows {where}."
    if any(event.kind == "effect" for event in events):
        return "The log shows consequences only; what caused them is not in it, or not known here."
    return f"The log shows no failure; {count(story.finished, 'task')} finished."


def _advice(events: list[Event]) -> tuple[str, ...]:
    by_weight = sorted(events, key=lambda event: ("cause", "effect", "note").index(event.kind))
    return tuple(dict.fromkeys(event.mend for event in by_weight if event.mend))


def _as_data(event: Event) -> dict[str, Any]:
    return {
        "line": event.line.number,
        "kind": event.kind,
        "sentence": f"{event.sentence}.",
        "quote": event.line.quoted,
        "mend": event.mend,
    }
