"""Bars for terminals of every width, and below them what a job waits for."""

import re
from io import StringIO

import pytest
from rich.console import Console

from client.vigil import Wait
from orchestrator.cli.bars import Bars
from orchestrator.pipeline.waiting import Waiting

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ASKED = Waiting(
    stage="speak",
    done=96,
    total=201,
    waits_for="landmark2face version 1",
    in_flight=16,
    model=Wait(requests=4, quiet_s=0.4, queue_s=0.012),
)


class Terminal:
    """What bars write to a terminal of some width."""

    def __init__(self, width: int, *, is_terminal: bool = True) -> None:
        self._file = StringIO()
        console = Console(file=self._file, force_terminal=is_terminal, width=width, height=24)
        self.bars = Bars(console)

    @property
    def text(self) -> str:
        return CODES.sub("", self._file.getvalue())

    def lines(self) -> list[str]:
        return [line.rstrip() for line in re.split(r"[\r\n]+", self.text) if line.strip()]


def in_the_middle(terminal: Terminal, waiting: Waiting = ASKED) -> list[str]:
    """What is drawn below a note, while a job speaks."""
    bars = terminal.bars
    bars.start("prepare", 12345)
    for _ in range(12345):
        bars.advance("prepare")
    bars.finish("prepare")
    bars.start("speak", 201)
    for _ in range(96):
        bars.advance("speak")
    bars.wait(waiting)
    with bars.shown():
        bars.note("now")
        lines = terminal.lines()
    return lines[lines.index("note: now") + 1 :][:3]


def test_a_wide_terminal_shows_bars_and_the_whole_sentence() -> None:
    prepare, speak, waits = in_the_middle(Terminal(120))
    assert re.search(r"find the face +━+ +12345/12345 +\d:\d\d:\d\d left 0:00:00$", prepare)
    assert re.search(r"speak +[━╸╺]+ +96/201 +\d:\d\d:\d\d left [-\d:]+$", speak)
    assert waits == ASKED.sentence()


@pytest.mark.parametrize("width", [40, 60, 67])
def test_a_narrow_terminal_shows_the_numbers(width: int) -> None:
    prepare, speak, _ = in_the_middle(Terminal(width))
    assert re.fullmatch(r"find the face +12345/12345 +0:00:00", prepare)
    assert re.fullmatch(r"speak +96/201 +[-\d:]+", speak)


def test_a_narrow_terminal_shows_who_is_waited_for() -> None:
    _, _, waits = in_the_middle(Terminal(40))
    assert re.fullmatch(r"waits for landmark2face version 1 .*…", waits)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_no_line_is_longer_than_the_terminal_is_wide(width: int) -> None:
    assert max(map(len, in_the_middle(Terminal(width)))) <= width


def test_a_short_sentence_keeps_its_stage_on_a_narrow_terminal() -> None:
    waiting = Waiting(stage="speak", done=96, total=201, waits_for="the encoder")
    assert "speak 96/201: waits for the encoder" in in_the_middle(Terminal(40), waiting)


def test_the_line_goes_when_the_bars_end() -> None:
    terminal = Terminal(120)
    in_the_middle(terminal)
    assert "waits for" not in terminal.lines()[-1]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_who_asks_gets_the_sentence_on_a_line_of_its_own(is_terminal: bool) -> None:
    terminal = Terminal(40, is_terminal=is_terminal)
    terminal.bars.start("speak", 201)
    with terminal.bars.shown():
        terminal.bars.answer(ASKED)
    assert ASKED.sentence() in terminal.lines()


def test_without_a_terminal_only_notes_are_written() -> None:
    terminal = Terminal(40, is_terminal=False)
    with terminal.bars.shown():
        terminal.bars.start("speak", 201)
        terminal.bars.wait(ASKED)
        terminal.bars.note("The recording is very quiet, so that the mouth hardly moves.")
        terminal.bars.finish("speak")
    assert terminal.text == "note: The recording is very quiet, so that the mouth hardly moves.\n"
