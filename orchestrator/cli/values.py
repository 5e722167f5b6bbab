"""Values of options that need reading."""

import re
from fractions import Fraction

import typer

from orchestrator.pipeline.compare import Comparison
from orchestrator.settings import Models

_SECONDS = re.compile(r"()()(\d+(?:\.\d+)?)")
_CLOCK = re.compile(r"(?:(\d+):)?([0-5]?\d):([0-5]?\d(?:\.\d+)?)")
_COMPARISON = re.compile(r"(\w+)=([1-9]\d*)")


def time_s(text: str) -> Fraction:
    """Reads "12.5", "1:02.5" or "1:00:02.5" as exact seconds.

    Raises:
        typer.BadParameter: If it is neither.
    """
    clock = _SECONDS.fullmatch(text) or _CLOCK.fullmatch(text)
    if clock is None:
        raise typer.BadParameter(f"{text!r} is no time: give seconds or H:MM:SS, such as 1:02.5")
    hours, minutes, seconds = (Fraction(part or 0) for part in clock.groups())
    return hours * 3600 + minutes * 60 + seconds


def length_s(text: str) -> Fraction:
    """Reads a time that is longer than nothing.

    Raises:
        typer.BadParameter: If it is none.
    """
    length = time_s(text)
    if not length:
        raise typer.BadParameter("a length of 0 leaves nothing to show")
    return length


def comparison(text: str) -> Comparison:
    """Reads "wenet=1": a role, and a version of the model that has it.

    Raises:
        typer.BadParameter: If it is none.
    """
    match = _COMPARISON.fullmatch(text)
    if match is None or match[1] not in Models.model_fields:
        raise typer.BadParameter(
            f"{text!r} is no version of a model: give ROLE=VERSION, such as wenet=1; the roles are "
            f"{', '.join(Models.model_fields)}"
        )
    return Comparison(match[1], match[2])
