"""What a check finds."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        subject: What was looked at.
        state: Whether it is as it should be; jobs run with a warning, but not with a wrong thing.
        found: What it is like.
        mend: What to do, as a sentence; empty where nothing is to be done.
    """

    subject: str
    state: State
    found: str
    mend: str = ""


def ok(subject: str, found: str) -> Finding:
    """A thing that is as it should be."""
    return Finding(subject, "ok", found)


def warning(subject: str, found: str, mend: str) -> Finding:
    """A thing with which some jobs do not run, or run badly."""
    return Finding(subject, "warning", found, mend)


def wrong(subject: str, found: str, mend: str) -> Finding:
    """A thing with which no job runs."""
    return Finding(subject, "wrong", found, mend)


def is_wrong(findings: Iterable[Finding]) -> bool:
    """Whether anything has to be mended before jobs run."""
    return any(finding.state == "wrong" for finding in findings)


def as_table(findings: Sequence[Finding]) -> str:
    """Writes findings as a table of text; what to do stands below its line."""
    width = max((len(finding.subject) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{finding.state:<9}{finding.subject:<{width + 2}}{finding.found}")
        if finding.mend:
            lines.append(f"{'':<9}{'':<{width + 2}}-> {finding.mend}")
    return "\n".join(lines)


def as_data(findings: Sequence[Finding]) -> dict[str, Any]:
    """Gives findings as what JSON can hold."""
    return {"wrong": is_wrong(findings), "findings": [asdict(finding) for finding in findings]}
