from fractions import Fraction

import pytest

from client.errors import NoFaceError
from orchestrator.faces.casting import cast
from orchestrator.faces.choice import FaceChoice
from orchestrator.faces.observations import Observations
from orchestrator.faces.tracking import follow
from tests.unit.faces.people import Person, look, seen, standing

RATE = Fraction(25)
LEFT = Person(look(1), standing(100, side=50))
MIDDLE = Person(look(2), standing(300, side=80))
RIGHT = Person(look(3), standing(500, side=60))
ALL = seen([LEFT, MIDDLE, RIGHT], 50)


def places(
    choice: str,
    observations: Observations = ALL,
    *,
    all_faces: bool = False,
    cuts: tuple[int, ...] = (),
) -> list[float]:
    """Middles of the chosen faces, where each first appears."""
    tracks = follow(observations, [0, *cuts], 50, RATE)
    chosen = cast(
        tracks,
        observations,
        FaceChoice.parse(choice),
        all_faces=all_faces,
        picture=(600, 200),
        frame_rate=RATE,
    )
    boxes = [observations.boxes[track.rows[0]] for track in chosen]
    return [float(box[0] + box[2]) / 2 for box in boxes]


def test_the_largest_is_who_is_large_for_longest() -> None:
    near_for_a_moment = Person(look(4), lambda f: (500, 100, 150) if f < 5 else None)
    assert places("largest") == [300]
    assert places("largest", seen([LEFT, MIDDLE, near_for_a_moment], 50)) == [300]


@pytest.mark.parametrize(("choice", "x"), [("index:0", 100), ("index:1", 300), ("index:2", 500)])
def test_indices_count_from_the_left(choice: str, x: float) -> None:
    assert places(choice) == [x]


def test_an_index_goes_by_where_each_was_first() -> None:
    crossing = Person(look(1), lambda frame: (100 + 9 * frame, 60, 50))
    assert places("index:0", seen([crossing, MIDDLE], 50)) == [100]


@pytest.mark.parametrize(
    ("choice", "x"), [("point:290,110", 300), ("point:60,100", 100), ("point:0.9,0.5", 500)]
)
def test_a_point_names_the_face_under_it_or_close_to_it(choice: str, x: float) -> None:
    assert places(choice) == [x]


def test_everybody_speaks_when_asked_for() -> None:
    assert sorted(places("largest", all_faces=True)) == [100, 300, 500]


def test_who_is_seen_for_a_moment_does_not_count() -> None:
    passing = Person(look(4), lambda f: (20, 100, 60) if f < 5 else None)
    observations = seen([passing, LEFT, MIDDLE], 50)
    assert places("index:0", observations) == [100]
    assert places("largest", observations, all_faces=True) == [300, 100]


def test_the_choice_is_made_anew_in_every_scene() -> None:
    first = Person(look(1), lambda f: (100, 100, 60) if f < 25 else None)
    second = Person(look(2), lambda f: (400, 100, 60) if f >= 25 else None)
    assert places("largest", seen([first, second], 50), cuts=(25,)) == [100, 400]


def test_a_scene_without_enough_faces_keeps_still() -> None:
    second = Person(look(2), lambda f: (400, 100, 60) if f >= 25 else None)
    assert places("index:1", seen([LEFT, second], 50), cuts=(25,)) == [400]


def test_an_index_that_names_nobody_is_refused_with_what_there_is() -> None:
    with pytest.raises(NoFaceError, match=r"no face of index 5: there are 3 faces, index 0 to 2"):
        places("index:5")
    with pytest.raises(NoFaceError, match=r"no face of index 1: there is 1 face, index 0"):
        places("index:1", seen([LEFT], 50))


@pytest.mark.parametrize("choice", ["point:900,50", "point:5,5", "point:210,100"])
def test_a_point_on_nobody_is_refused_and_told_who_is_near(choice: str) -> None:
    point = choice.removeprefix("point:")
    with pytest.raises(NoFaceError, match=rf"no face at {point}: the nearest one is at \d+,\d+"):
        places(choice)


def test_a_scene_without_anybody_at_the_point_stays_as_it_is() -> None:
    moves_away = Person(look(1), lambda frame: (100 if frame < 25 else 500, 60, 50))

    assert places("point:100,60", seen([moves_away], 50), cuts=(25,)) == [100]
