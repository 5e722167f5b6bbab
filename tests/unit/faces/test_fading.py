from fractions import Fraction

import numpy as np
import pytest

from orchestrator.faces.fading import coming_and_going, large_enough, turned_to_camera

RATE = Fraction(25)


def test_a_face_that_is_always_there_never_fades() -> None:
    assert coming_and_going([(0, 12)], range(12), RATE).tolist() == [1] * 12


def test_a_face_fades_in_and_out_where_it_comes_and_goes() -> None:
    weights = coming_and_going([(5, 25)], range(30), Fraction(20))
    np.testing.assert_allclose(weights[:5], [0.2, 0.4, 0.6, 0.8, 1.0], atol=1e-6)
    assert np.array_equal(weights, weights[::-1])
    assert weights.min() > 0


def test_a_scene_starts_and_ends_without_fading() -> None:
    weights = coming_and_going([(100, 110), (120, 130)], range(100, 130), RATE)
    assert weights[0] == weights[19] == 1
    assert 0 < weights[9] == weights[10] < 0.25


@pytest.mark.parametrize("rate", [15, 24, 60, 240])
def test_a_fade_takes_a_fifth_of_a_second_at_any_rate(rate: int) -> None:
    weights = coming_and_going([(rate, 3 * rate)], range(4 * rate), Fraction(rate))
    assert np.count_nonzero(weights < 1) / 2 / rate == pytest.approx(0.2, abs=0.5 / rate)


def test_a_short_appearance_never_shows_fully() -> None:
    assert coming_and_going([(8, 11)], range(20), RATE).max() < 0.5


def test_faces_that_look_at_the_camera_show_and_profiles_do_not() -> None:
    yaw = np.repeat([0.0, 40.0, -40.0, 65.0, -80.0], 50)
    weights = turned_to_camera(yaw, np.zeros(250), RATE)
    assert weights[[25, 75, 125]].tolist() == [1, 1, 1]
    assert weights[[175, 225]].tolist() == [0, 0]


def test_a_face_that_looks_far_up_or_down_does_not_show() -> None:
    pitch = np.repeat([30.0, 70.0, -70.0], 50)
    weights = turned_to_camera(np.zeros(150), pitch, RATE)
    assert weights[[25, 75, 125]].tolist() == [1, 0, 0]


def test_a_head_that_turns_fades_without_a_step() -> None:
    weights = turned_to_camera(np.linspace(0, 90, 50), np.zeros(50), RATE)
    assert weights[0] == 1
    assert weights[-1] == 0
    assert np.diff(weights).max() <= 0
    assert np.diff(weights).min() > -0.2


def test_a_doubtful_angle_does_not_flicker() -> None:
    doubtful = 52 + 6 * (-1.0) ** np.arange(100)
    weights = turned_to_camera(doubtful, np.zeros(100), RATE)
    assert np.abs(np.diff(weights[10:-10])).max() < 0.05


def test_the_smallest_faces_stay_as_they_are() -> None:
    weights = large_enough(np.repeat([20.0, 28.0, 44.0], 50), RATE)
    assert weights[25] == 0
    assert 0 < weights[75] < 1
    assert weights[125] == 1
