"""Whatever a file is called, it is told in one line."""

import pytest

from orchestrator.cli.running import printable


@pytest.mark.parametrize("text", ["clip.mp4", "a b 'c' \"d\"", "视频 😀 ünï"])
def test_names_in_any_script_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", "a\\nb"), ("\x1b[31mred", "\\x1b[31mred"), ("bad\udcff", "bad\\udcff")],
)
def test_line_breaks_terminal_codes_and_broken_letters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
