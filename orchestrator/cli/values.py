"""Values of options that need reading."""

import re
from fractions import Fraction

import typer

_SECONDS = re.compile(r"()()(\d+(?:\.\d+)?)")
_CLOCK = re.compile(r"(?:(\d+):)?([0-5]?\d):([0-5]?\d(?:\.\d+)?)")


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
