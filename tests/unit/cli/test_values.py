"""Times on the command line are seconds or clock times, and exact."""

from fractions import Fraction

import pytest
import typer

from orchestrator.cli.values import comparison, length_s, time_s
from orchestrator.pipeline.compare import Comparison


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", Fraction(0)),
        ("12.5", Fraction(25, 2)),
        ("75", Fraction(75)),
        ("1:02.1", Fraction(621, 10)),
        ("01:00:00.001", Fraction(3600001, 1000)),
    ],
)
def test_seconds_and_clock_times_are_read_exactly(text: str, seconds: Fraction) -> None:
    assert time_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "-1", "1m", "1:2:3:4", "abc", "1:", "nan", "1e3", "1:99", "1:75:00"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no time"):
        time_s(text)


def test_a_length_of_nothing_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="leaves nothing to show"):
        length_s("0:00")


def test_a_comparison_names_a_role_and_a_version() -> None:
    assert comparison("wenet=1") == Comparison("wenet", "1")


@pytest.mark.parametrize("text", ["wenet", "wenet=", "wenet=0", "wenet=a", "whisper=1", "=1"])
def test_no_other_comparison_is_read(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="ROLE=VERSION"):
        comparison(text)
