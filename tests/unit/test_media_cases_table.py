"""The table of media cases: what it says, and that it can say no."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cases.case import Made, Refused, bounce, runs
from tests.cases.facts import Facts
from tests.cases.report import write_report
from tests.cases.run import Outcome
from tests.cases.scene import PATCH, Scene
from tests.cases.table import GROUPS
from tests.unit.media.making import number_in

DOCUMENT = Path(__file__).parents[2] / "docs" / "media.md"
RIGHT = Facts(
    frames=14,
    rate=Fraction(25),
    size=(256, 192),
    pixel_format="yuv420p",
    codec="h264",
    sample_aspect=Fraction(1),
    tags=(2, 2, 2),
    full_range=False,
    shown=bounce(12, 14),
    patch=PATCH,
    sound="aac",
    sample_rate=48000,
    channels=1,
    copied=False,
    starts_s=(Fraction(0), Fraction(0)),
    excess_frames=Fraction(0),
    lag_ms=0.0,
    loudness=1.0,
    indexed_in_front=True,
    largest_step=Fraction(1, 25),
)


def test_the_document_tells_of_every_case_and_all_are_right() -> None:
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| ")]
    told = [row.split(" | ")[0].removeprefix("| ") for row in rows if not row.startswith("| case")]
    assert told == [case.name for cases in GROUPS.values() for case in cases]
    assert all(row.endswith("| yes |") for row in rows if not row.startswith("| case"))
    assert f"{len(told)} of {len(told)} cases are right." in DOCUMENT.read_text("utf-8")


def test_there_are_at_least_sixty_cases_and_each_has_its_own_name() -> None:
    names = [(group, case.name) for group, cases in GROUPS.items() for case in cases]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


def test_a_right_result_has_no_objections() -> None:
    assert Made().objections(RIGHT, 14) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"frames": 13},
        {"rate": Fraction(24000, 1001), "largest_step": Fraction(1001, 24000)},
        {"size": (192, 256)},
        {"pixel_format": "yuv444p"},
        {"sample_aspect": Fraction(4, 3)},
        {"full_range": True},
        {"shown": (*bounce(12, 13), 8)},
        {"patch": (190, 80, 80)},
        {"sound": "mp3"},
        {"channels": 2},
        {"starts_s": (Fraction(1, 25), Fraction(0))},
        {"excess_frames": Fraction(1)},
        {"excess_frames": Fraction(-1, 100)},
        {"lag_ms": 1.5},
        {"loudness": 0.85},
        {"indexed_in_front": False},
        {"largest_step": Fraction(2, 25)},
    ],
    ids=str,
)
def test_one_wrong_fact_is_an_objection(wrong: dict[str, object]) -> None:
    facts = replace(RIGHT, **wrong)  # type: ignore[arg-type]
    assert len(Made().objections(facts, 14)) == 1


def test_a_frame_without_a_face_is_an_objection() -> None:
    assert Made().objections(RIGHT, 13) == ["13 frames have a face"]


def test_an_error_must_say_why_and_where() -> None:
    names = {"video": "clip.mp4", "audio": "speech.wav"}
    refused = Refused("is empty")
    assert refused.objections("error: clip.mp4 is empty: export it again.", names) == []
    assert len(refused.objections("error: speech.wav cannot be found.", names)) == 2


def test_pictures_carry_their_number_and_the_known_colour() -> None:
    scene = Scene()
    picture = scene.picture(37)
    assert number_in(picture[..., 0]) == 37
    assert (picture[scene.patch] == PATCH).all()


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0, 1, 2, 1, 0), "0…2 1…0"),
        ((3, 3, 3), "3×3"),
        ((7,), "7"),
        ((0, 2, 4), "0 2 4"),
    ],
)
def test_runs_of_pictures_are_short(numbers: tuple[int, ...], text: str) -> None:
    assert runs(numbers) == text


def test_a_row_tells_what_is_wrong() -> None:
    case = GROUPS["Containers"][0]
    report = write_report([("Containers", case, Outcome("13 frames", ("frames is 13",)))])
    assert "0 of 1 cases are right" in report
    assert "**no**: frames is 13" in report
