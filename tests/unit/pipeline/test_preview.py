from fractions import Fraction

import numpy as np
import pytest

from client.errors import InputError
from orchestrator.faces.geometry import Region
from orchestrator.pipeline.preview import position
from orchestrator.pipeline.showing import around

RATE = Fraction(30000, 1001)
SHAPE = (480, 640)


def face(x: float, y: float, side: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([[side, 0, x], [0, side, y]])


def test_a_time_is_that_of_the_frame_that_is_shown_then() -> None:
    assert position(Fraction(0), RATE, 90) == 0
    assert position(1 / RATE - Fraction(1, 10_000), RATE, 90) == 0
    assert position(1 / RATE, RATE, 90) == 1
    assert position(89 / RATE, RATE, 90) == 89


def test_a_time_beyond_the_end_is_told_with_the_length() -> None:
    with pytest.raises(InputError, match=r"3\.00 s long: there is nothing to show at 3\.5 s"):
        position(Fraction(7, 2), RATE, 90)


def test_a_face_is_shown_with_room_around_it() -> None:
    assert around([face(200, 100, 100)], SHAPE, (2, 2)) == Region(174, 74, 326, 226)


def test_all_places_of_a_face_are_shown() -> None:
    region = around([face(200, 100, 100), face(300, 140, 100)], SHAPE, (2, 2))
    assert region == Region(174, 74, 426, 266)


def test_the_room_ends_with_the_picture() -> None:
    assert around([face(0, 400, 100)], SHAPE, (2, 2)) == Region(0, 374, 126, 480)


def test_without_a_face_the_whole_picture_is_shown() -> None:
    assert around([], SHAPE, (2, 2)) == Region(0, 0, 640, 480)
    assert around([face(900, 900, 50)], SHAPE, (2, 2)) == Region(0, 0, 640, 480)
