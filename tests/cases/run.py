"""Running a case through the command line's own entry, and judging what came of it."""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.cli.app import app
from orchestrator.cli.running import run_app
from tests.cases.case import Case, Made, Refused, runs
from tests.cases.clips import Clip
from tests.cases.facts import Facts, changed_pixels, measure

_BEFORE = b"the result of another day"
Tree = dict[str, bytes]


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes:
        text: Facts of the result, or the error.
        objections: What is not as it must be; none when all is right.
    """

    text: str
    objections: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    video: Path
    audio: Path
    output: Path
    scratch: Path


def run_case(
    case: Case,
    folder: Path,
    url: str,
    capture: pytest.CaptureFixture[str],
    patch: pytest.MonkeyPatch,
) -> Outcome:
    """Makes the files of a case, runs the command on them and judges the result."""
    place = _prepare(case, folder)
    before = _tree(folder)
    patch.chdir(place.video.parent)
    patch.setattr(tempfile, "tempdir", str(place.scratch))
    patch.setattr(sys, "argv", ["orchestrator", *_arguments(case, place, url)])
    capture.readouterr()
    status = run_app(app)
    told = capture.readouterr()
    error = _without_events(told.err)
    outcome = (
        _made(case, place, told.out, error)
        if status == 0
        else Outcome(_sentence(error, place), tuple(_refusal(case, place, status, error)))
    )
    objections = [*outcome.objections, *_leftovers(before, _tree(folder), place, made=not status)]
    return Outcome(outcome.text, tuple(objections))


def _prepare(case: Case, folder: Path) -> _Place:
    given, scratch, results = (folder / name for name in ("given", "scratch", "results"))
    for made in (given, scratch, results):
        made.mkdir()
    video = case.video.put_into(given) if case.video else None
    audio = case.audio.put_into(given) if case.audio else None
    output = results / case.output
    if case.replaces:
        output.write_bytes(_BEFORE)
    one = video or audio
    assert one is not None
    return _Place(video or one, audio or one, output, scratch)


def _without_events(told: str) -> str:
    """What a person is told: the notes of the events, and what is no event."""
    lines = []
    for line in told.splitlines(keepends=True):
        event = json.loads(line) if line.startswith("{") else {"event": None}
        if event["event"] is None:
            lines.append(line)
        elif event["event"] == "note":
            lines.append(f"note: {event['text']}\n")
    return "".join(lines)


def _arguments(case: Case, place: _Place, url: str) -> list[str]:
    # Names of inputs are relative: a dash or a colon in front must not mean anything.
    files = ["--video", place.video.name, "--audio", place.audio.name]
    return [
        "generate",
        *files,
        "--output",
        str(place.output),
        "--url",
        url,
        "--json",
        *case.options,
    ]


def _made(case: Case, place: _Place, report: str, told: str) -> Outcome:
    facts = measure(place.output, place.audio)
    with_face = int(json.loads(report)["frames_with_face"])
    text = "; ".join([_describe(facts, with_face, numbered=_is_numbered(case)), *told.splitlines()])
    if isinstance(case.expected, Refused):
        return Outcome(text, ("this must be refused",))
    objections = case.expected.objections(facts, with_face)
    objections += _unexpected(told, case.note or _note_on(case.expected))
    if case.expected.unchanged != "nothing" and not objections:
        changed = _changed(case, case.expected, place, facts)
        text += f"; lossless, equal to the source outside {_box(changed)}"
        objections += _strangers(case, case.expected, changed)
    return Outcome(text, tuple(objections))


def _changed(case: Case, expected: Made, place: _Place, facts: Facts) -> NDArray[np.bool_]:
    assert isinstance(case.video, Clip)
    planes = 3 if expected.unchanged == "all" else 1
    return changed_pixels(place.output, place.video, case.video, facts.shown, planes)


def _box(changed: NDArray[np.bool_]) -> str:
    rows, columns = np.nonzero(changed)
    if not len(rows):
        return "nothing"
    return f"x {columns.min()}…{columns.max()}, y {rows.min()}…{rows.max()}"


def _strangers(case: Case, expected: Made, changed: NDArray[np.bool_]) -> list[str]:
    """Whether exactly the right people speak, and nothing else changes."""
    assert isinstance(case.video, Clip)
    objections, elsewhere = [], changed.copy()
    for index, face in enumerate(case.video.scene.faces):
        place = np.s_[face.y : face.y + face.side, face.x : face.x + face.side]
        if changed[place].any() != (index in expected.speakers):
            objections.append(f"person {index} {'speaks' if changed[place].any() else 'is still'}")
        elsewhere[place] = False
    return [*objections, *(["pixels outside the faces changed"] if elsewhere.any() else [])]


def _refusal(case: Case, place: _Place, status: int, told: str) -> list[str]:
    objections = []
    if status != 1:
        objections.append(f"the exit status is {status}")
    if not told.startswith("error: ") or told.count("\n") != 1 or "Traceback" in told:
        objections.append(f"standard error is not one sentence: {told!r}")
    if isinstance(case.expected, Made):
        return [*objections, "this must work"]
    names = {"video": place.video.name, "audio": place.audio.name}
    return objections + case.expected.objections(told, names)


def _leftovers(before: Tree, after: Tree, place: _Place, *, made: bool) -> list[str]:
    """Whether anything but the result came, went or changed."""
    result = {f"{place.output.parent.name}/{place.output.name}"} if made else set()
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return [f"{name} came, went or changed" for name in sorted(changed - result)]


def _tree(folder: Path) -> Tree:
    """All files below a folder, with their content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


def _note_on(expected: Made) -> str:
    """Formats that few players show are worth a note."""
    everywhere = "yuv420p" if expected.codec == "h264" else "yuv420p10le"
    return "" if expected.pixel_format in ("yuv420p", everywhere) else expected.pixel_format


def _unexpected(told: str, note: str) -> list[str]:
    lines = told.splitlines()
    right = len(lines) == 1 and lines[0].startswith("note: ") and note in lines[0]
    return [] if (right if note else not lines) else [f"standard error says {told!r}"]


def _sentence(told: str, place: _Place) -> str:
    """The error without the machine's folders."""
    text = told.strip().removeprefix("error: ")
    for folder in (place.output.parent, place.video.parent):
        text = text.replace(f"{folder}/", "").replace(str(folder), folder.name)
    return text


def _is_numbered(case: Case) -> bool:
    return isinstance(case.expected, Refused) or case.expected.shown is not None


def _describe(facts: Facts, with_face: int, *, numbered: bool) -> str:
    width, height = facts.size
    shape = f", pixels {facts.sample_aspect}" if facts.sample_aspect != 1 else ""
    colour = "/".join(map(str, facts.tags)) + (" full range" if facts.full_range else "")
    sound = f"{facts.sound} {facts.sample_rate} Hz × {facts.channels}"
    parts = [
        f"{facts.frames} frames at {facts.rate}",
        f"{facts.codec} {width}×{height} {facts.pixel_format} {colour}{shape}",
        *([f"pictures {runs(facts.shown)}"] if numbered else []),
        f"{sound}{', copied' if facts.copied else ''}",
        f"face in {with_face}",
    ]
    return "; ".join(parts)
