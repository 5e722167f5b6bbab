"""The table of cases and outcomes as Markdown."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from tests.cases.case import Case
from tests.cases.run import Outcome

INTRODUCTION = """# Media cases

Each row is a generated file that went through the command line and a real server, and what came of
it: one right result or one clear error; `pytest tests/integration/test_media_cases.py` makes this
table anew in `out/media-cases.md`. Pictures carry numbers, so that a row tells which picture of the
source each frame shows; colours are the ITU-T H.273 codes of primaries, transfer and matrix (2 is
unknown), and "equal outside" compares every sample of a losslessly encoded result with the source.
"""
_HEAD = "| case | what it is | outcome | ok |\n|---|---|---|---|"

Row = tuple[str, Case, Outcome]


def write_report(rows: Sequence[Row]) -> str:
    """The whole report.

    Args:
        rows: Group, case and outcome, in the table's order.
    """
    good = sum(not outcome.objections for _, _, outcome in rows)
    parts = [INTRODUCTION, f"{good} of {len(rows)} cases are right.\n"]
    for group, cases in groupby(rows, key=lambda row: row[0]):
        parts.append(f"## {group}\n\n{_HEAD}\n{_lines(cases)}\n")
    return "\n".join(parts)


def _lines(rows: Iterable[Row]) -> str:
    return "\n".join(
        f"| {_cell(case.name)} | {_cell(case.what)} | {_cell(outcome.text)} | {_verdict(outcome)} |"
        for _, case, outcome in rows
    )


def _verdict(outcome: Outcome) -> str:
    return f"**no**: {_cell('; '.join(outcome.objections))}" if outcome.objections else "yes"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "⏎")
