"""Events are JSON, one object a line, and cost a job nothing when nobody reads them."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from client.errors import StalledError
from orchestrator.cli import events
from orchestrator.cli.events import Events
from orchestrator.pipeline.waiting import Waiting


class Pipe:
    """Events, the time at which they are told, and what a program reads of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr(events, "_now_s", lambda: self.now_s)
        self._read, self.write = os.pipe()
        self.events = Events(self.write)

    def told(self) -> list[dict[str, Any]]:
        lines = os.read(self._read, 1 << 20).decode().splitlines()
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        os.close(self._read)
        os.close(self.write)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    made = Pipe(monkeypatch)
    yield made
    made.close()


def test_a_stage_is_told_with_the_time_since_the_job_began(pipe: Pipe) -> None:
    pipe.now_s += 1.5
    pipe.events.start("speak", 201)
    assert pipe.told() == [{"event": "stage", "t_s": 1.5, "stage": "speak", "total": 201}]


def test_progress_is_told_twice_a_second_and_at_the_end(pipe: Pipe) -> None:
    pipe.events.start("speak", 200)
    for _ in range(200):
        pipe.now_s += 0.01
        pipe.events.advance("speak")
    pipe.events.finish("speak")
    _, *progress = pipe.told()
    assert {event["event"] for event in progress} == {"progress"}
    assert progress[0] == {
        "event": "progress",
        "t_s": progress[0]["t_s"],
        "stage": "speak",
        "done": progress[0]["done"],
        "total": 200,
    }
    assert 4 <= len(progress) <= 5
    assert progress[-1]["done"] == 200


def test_what_a_job_waits_for_is_told_once_a_second(pipe: Pipe) -> None:
    for _ in range(6):
        pipe.now_s += 0.5
        pipe.events.wait(Waiting(stage="speak", done=96, total=201, waits_for="the encoder"))
    told = pipe.told()
    assert [event["t_s"] for event in told] == [1.0, 2.0, 3.0]
    assert told[0]["event"] == "waiting"
    assert told[0]["waits_for"] == "the encoder"
    assert told[0]["sentence"] == "speak 96/201: waits for the encoder"


def test_who_asks_is_told_at_any_time(pipe: Pipe) -> None:
    pipe.events.answer(Waiting(stage="speak"))
    pipe.events.answer(Waiting(stage="speak"))
    assert [event["event"] for event in pipe.told()] == ["waiting", "waiting"]


def test_a_note_keeps_to_one_line(pipe: Pipe) -> None:
    pipe.events.note("two\nlines \udcff")
    assert pipe.told() == [{"event": "note", "t_s": 0.0, "text": "two\nlines \udcff"}]


def test_a_failure_is_told_by_the_name_of_its_error(pipe: Pipe) -> None:
    with pytest.raises(StalledError), pipe.events.shown():
        raise StalledError("It hangs.")
    assert pipe.told() == [
        {"event": "failed", "t_s": 0.0, "error": "StalledError", "message": "It hangs."}
    ]


def test_events_that_nobody_reads_are_lost_and_leave_room_for_the_last_sentence(
    pipe: Pipe,
) -> None:
    for _ in range(2000):
        pipe.events.note("x" * 100)
    assert len(pipe.told()) < 2000
    for _ in range(2000):
        pipe.events.note("x" * 100)
    os.set_blocking(pipe.write, False)
    assert os.write(pipe.write, b"error: " + b"x" * 300) == 307


def test_a_reader_who_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    Events(write).note("Nobody hears this.")
    os.close(write)
