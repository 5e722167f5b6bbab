"""Who is who over time: nobody takes another's place, and who comes back is known again."""

from fractions import Fraction

import numpy as np
import pytest

from orchestrator.faces.observations import Observations
from orchestrator.faces.tracking import Track, follow
from tests.unit.faces.people import Person, Walk, look, seen, standing

RATE = Fraction(25)
ANNE, BERT = look(1), look(2)


def tracks_of(observations: Observations, frames: int) -> list[Track]:
    return follow(observations, [0], frames, RATE)


def frames_of(track: Track, observations: Observations) -> list[int]:
    return [int(frame) for frame in observations.frames[track.rows]]


def centres_of(track: Track, observations: Observations) -> list[float]:
    return [float(box[0] + box[2]) / 2 for box in observations.boxes[track.rows]]


def arriving(at: int) -> Walk:
    return lambda frame: (100, 100, 60) if frame >= at else None


def test_a_face_that_stays_is_one_track() -> None:
    observations = seen([Person(ANNE, standing(100))], 50)
    (track,) = tracks_of(observations, 50)
    assert frames_of(track, observations) == list(range(50))


def test_people_side_by_side_keep_their_tracks_when_one_grows_larger() -> None:
    growing = Person(BERT, lambda frame: (300, 100, 40 + frame))
    observations = seen([Person(ANNE, standing(100)), growing], 60)
    first, second = tracks_of(observations, 60)
    assert centres_of(first, observations) == [100] * 60
    assert centres_of(second, observations) == [300] * 60


def test_people_who_cross_do_not_swap() -> None:
    there = Person(ANNE, lambda frame: (50 + 5 * frame, 100, 60))
    back = Person(BERT, lambda frame: (545 - 5 * frame, 102, 58))
    observations = seen([there, back], 100)
    first, second = tracks_of(observations, 100)
    assert centres_of(first, observations) == [50 + 5 * frame for frame in range(100)]
    assert centres_of(second, observations) == [545 - 5 * frame for frame in range(100)]


def test_people_who_cross_do_not_swap_when_one_hides_the_other() -> None:
    there = Person(ANNE, lambda frame: (50 + 5 * frame, 100, 60))
    hidden = Person(BERT, lambda f: None if 42 <= f <= 57 else (545 - 5 * f, 102, 58))
    observations = seen([there, hidden], 100)
    first, second = tracks_of(observations, 100)
    assert centres_of(first, observations) == [50 + 5 * frame for frame in range(100)]
    assert frames_of(second, observations) == [*range(42), *range(58, 100)]


def test_two_who_look_alike_and_cross_are_told_apart_by_their_motion() -> None:
    there = Person(ANNE, lambda frame: (50 + 5 * frame, 100, 60))
    twin = Person(ANNE, lambda frame: (545 - 5 * frame, 100, 58))
    observations = seen([there, twin], 100)
    first, _ = tracks_of(observations, 100)
    assert centres_of(first, observations) == [50 + 5 * frame for frame in range(100)]


def test_who_leaves_and_comes_back_elsewhere_resumes_the_track() -> None:
    def walk(frame: int) -> tuple[float, float, float] | None:
        return None if 30 <= frame < 80 else (100 if frame < 30 else 400, 100, 60)

    observations = seen([Person(ANNE, walk)], 120)
    (track,) = tracks_of(observations, 120)
    assert frames_of(track, observations) == [*range(30), *range(80, 120)]


@pytest.mark.parametrize("at", [31, 34, 60])
def test_another_person_never_takes_over_a_place(at: int) -> None:
    leaving = Person(ANNE, lambda frame: (100, 100, 60) if frame < 30 else None)
    observations = seen([leaving, Person(BERT, arriving(at))], 90)
    first, second = tracks_of(observations, 90)
    assert frames_of(first, observations) == list(range(30))
    assert frames_of(second, observations) == list(range(at, 90))


def test_a_light_that_goes_out_does_not_end_a_track() -> None:
    observations = seen([Person(ANNE, standing(100))], 60)
    observations.looks[30:] //= 3
    assert len(tracks_of(observations, 60)) == 1


def test_nobody_is_followed_across_a_cut() -> None:
    observations = seen([Person(ANNE, standing(100))], 50)
    first, second = follow(observations, [0, 20], 50, RATE)
    assert (first.scene, second.scene) == (range(20), range(20, 50))
    assert frames_of(second, observations) == list(range(20, 50))


def test_a_quick_head_is_followed() -> None:
    swinging = Person(ANNE, lambda frame: (200 + 60 * float(np.sin(frame / 2)), 100, 60))
    assert len(tracks_of(seen([swinging], 100), 100)) == 1
