import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.geometry import face_affine, side_px
from orchestrator.faces.idle import IdleMotion
from tests.unit.faces.scenes import face_mesh

WIDTH, HEIGHT = 720, 960
FACE = (360.0, 360.0)
MESH = face_mesh(centre=FACE, width=140)
SIZE = side_px(face_affine(MESH))
SHOULDER = np.array([FACE[0] - 0.7 * SIZE, FACE[1] + 1.3 * SIZE])


def motion(*meshes: NDArray[np.float32]) -> IdleMotion:
    return IdleMotion(meshes or [MESH], WIDTH, HEIGHT)


def everywhere(spacing: float = 6) -> NDArray[np.float64]:
    """Points [h,w,2] all over the photo, its borders included."""
    columns = np.linspace(0, WIDTH - 1, round(WIDTH / spacing))
    rows = np.linspace(0, HEIGHT - 1, round(HEIGHT / spacing))
    return np.stack(np.meshgrid(columns, rows), axis=-1)


def path(points: NDArray[np.floating], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where points go, [T,...,2]."""
    person = motion()
    return np.stack([person.moved(points, time_s) for time_s in seconds])


def test_it_starts_from_the_photo() -> None:
    assert np.array_equal(motion().moved(MESH, 0), MESH)


def test_it_starts_without_a_jump() -> None:
    first_second = path(MESH, np.arange(0, 1, 1 / 25))
    assert np.abs(np.diff(first_second, axis=0)).max() < 0.001 * SIZE
    assert np.abs(first_second[1] - MESH).max() < 0.0001 * SIZE


def test_a_face_moves_visibly_and_little() -> None:
    nose = path(MESH[1], np.arange(2, 60, 0.2))
    assert 0.01 * SIZE < np.ptp(nose, axis=0).max() < 0.05 * SIZE
    assert np.abs(nose - MESH[1]).max() < 0.03 * SIZE


def test_it_flows_from_frame_to_frame() -> None:
    frames = path(np.stack((MESH[1], SHOULDER)), np.arange(0, 60, 1 / 25))
    speed = np.diff(frames, axis=0)
    assert np.abs(speed).max() < 0.002 * SIZE
    assert np.abs(np.diff(speed, axis=0)).max() < 0.0003 * SIZE


def test_shoulders_rise_and_fall_with_about_fifteen_breaths_a_minute() -> None:
    height = -path(SHOULDER, np.arange(3, 123, 0.1))[:, 1]
    rising = np.diff(height) > 0
    breaths = int((rising[1:] & ~rising[:-1]).sum())
    assert 26 <= breaths <= 34
    assert height.max() - height.min() > 0.005 * SIZE


def test_exhaling_lasts_longer_than_inhaling() -> None:
    height = -path(SHOULDER, np.arange(3, 123, 0.1))[:, 1]
    assert 0.35 < (np.diff(height) > 0).mean() < 0.45


def test_shoulders_never_sink_below_the_photo() -> None:
    assert (path(SHOULDER, np.arange(0, 60, 0.1))[:, 1] <= SHOULDER[1] + 0.01).all()


def test_it_never_repeats() -> None:
    person = motion()
    amounts = np.stack([person.amounts(time_s) for time_s in np.arange(10, 310, 0.2)])
    amounts -= amounts.mean(axis=0)
    power = (amounts**2).sum()
    for lag in range(15, 1000):
        shifted, kept = amounts[lag:], amounts[:-lag]
        likeness = (shifted * kept).sum() / power * len(amounts) / len(kept)
        assert likeness < 0.75, f"after {lag / 5} s"


def test_it_does_not_drift_in_hours() -> None:
    nose = path(MESH[1], np.arange(36000, 36060, 0.2))
    assert np.abs(nose - MESH[1]).max() < 0.03 * SIZE
    person = motion()
    wander = np.mean([person.amounts(time_s)[:4] for time_s in np.arange(3, 7203, 1.7)], axis=0)
    np.testing.assert_allclose(wander, 0, atol=0.02)


def test_it_is_the_same_every_time() -> None:
    first, second = motion(), motion()
    later = first.moved(MESH, 33.3)
    first.moved(MESH, 5)
    assert np.array_equal(first.moved(MESH, 33.3), later)
    assert np.array_equal(second.moved(MESH, 33.3), later)


@pytest.mark.parametrize("time_s", [1.0, 7.3, 400.0])
def test_the_borders_of_the_photo_stay(time_s: float) -> None:
    field = motion().displacement(everywhere(), time_s)
    for border in (field[0], field[-1], field[:, 0], field[:, -1]):
        assert np.all(border == 0)


@pytest.mark.parametrize("time_s", [1.0, 7.3, 400.0])
def test_what_is_far_from_the_person_stays(time_s: float) -> None:
    person = IdleMotion([MESH], 2000, 2000)
    beside = np.array([[FACE[0] + 2 * SIZE, FACE[1]], [FACE[0], FACE[1] + 3.5 * SIZE]])
    assert np.all(person.displacement(beside, time_s) == 0)


@pytest.mark.parametrize("centre", [FACE, (80.0, 60.0), (360.0, 930.0)])
@pytest.mark.parametrize("width", [20.0, 140.0, 700.0])
def test_straight_lines_stay_nearly_straight(centre: tuple[float, float], width: float) -> None:
    person = motion(face_mesh(centre=centre, width=width))
    points = everywhere(4)
    spacing = points[0, 1, 0], points[1, 0, 1]
    for time_s in (5.0, 31.0, 77.0):
        field = person.displacement(points, time_s)
        slopes = np.gradient(field, spacing[1], spacing[0], axis=(0, 1))
        assert max(np.abs(slope).max() for slope in slopes) < 0.1


def test_moved_points_show_what_they_showed_in_the_photo() -> None:
    person = motion()
    for time_s in (4.0, 21.5):
        moved = person.moved(MESH, time_s)
        back = moved + person.displacement(moved, time_s)
        np.testing.assert_allclose(back, MESH, atol=1e-3)


def test_a_turning_head_moves_its_nose_against_its_ears() -> None:
    places = path(MESH[[1, 234, 454]], np.arange(2, 120, 0.5))[..., 0]
    nose, right_ear, left_ear = places.T
    against = nose - (right_ear + left_ear) / 2
    assert np.ptp(against) > 0.005 * SIZE


def test_two_people_move_in_their_own_time() -> None:
    other = face_mesh(centre=(360, 700), width=60)
    person = motion(face_mesh(centre=(360, 200), width=60), other)
    seconds = np.arange(3, 120, 0.5)
    first, second = (
        np.stack([person.moved(np.array([360, y]), time_s) for time_s in seconds])[:, 0]
        for y in (205.0, 705.0)
    )
    assert np.ptp(first) > 0.5
    assert np.ptp(second) > 0.5
    assert np.corrcoef(first, second)[0, 1] < 0.6
