import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.references import Poses, choose_references, mouth_openings
from tests.unit.faces.scenes import face_mesh


def clip(openings: list[float], yaws: list[float] | None = None) -> tuple[Poses, NDArray[np.bool_]]:
    turned = yaws or [0.0] * len(openings)
    meshes = [face_mesh(opening=o, yaw=y) for o, y in zip(openings, turned, strict=True)]
    return Poses.of(np.stack(meshes)), np.ones(len(openings), np.bool_)


def test_the_opening_is_relative_to_the_width_of_the_mouth() -> None:
    small, large = face_mesh(opening=0.3, width=50), face_mesh(opening=0.3, width=500)
    assert mouth_openings(np.stack((small, large))) == pytest.approx([0.3, 0.3], rel=1e-3)


def test_the_widest_mouth_comes_first() -> None:
    assert choose_references(*clip([0, 0.1, 0.3, 0.2, 0]))[0] == 2


def test_closed_mouths_are_not_chosen_beside_open_ones() -> None:
    assert sorted(choose_references(*clip([0, 0.3, 0.01, 0.2, 0.03]))) == [1, 3]


def test_the_widest_is_chosen_when_none_is_open() -> None:
    assert choose_references(*clip([0, 0.02, 0.01, 0.03])) == [3]


def test_a_face_that_never_shows_has_no_references() -> None:
    poses, usable = clip([0.3, 0.3])
    assert choose_references(poses, ~usable) == []


def test_frames_that_do_not_show_the_face_fully_are_never_chosen() -> None:
    poses, usable = clip([0.2, 0.5, 0.2])
    usable[1] = False
    assert sorted(choose_references(poses, usable)) == [0, 2]


def test_no_more_than_asked_for_and_each_only_once() -> None:
    chosen = choose_references(*clip([0.3] * 50), count=4)
    assert len(chosen) == len(set(chosen)) == 4


def test_equal_mouths_are_taken_from_all_over_the_clip() -> None:
    chosen = sorted(choose_references(*clip([0.3] * 100)))
    assert np.diff(chosen).min() >= 20


def test_another_pose_is_worth_more_than_a_slightly_wider_mouth() -> None:
    openings = [0.30, 0.32, 0.31, 0.25, 0.30] + [0.0] * 45
    yaws = [0.0, 0.0, 0.0, 0.3, 0.0] + [0.0] * 45
    assert choose_references(*clip(openings, yaws), count=2) == [1, 3]


def test_poses_read_in_parts_are_those_read_at_once() -> None:
    meshes = np.stack([face_mesh(opening=o / 10, yaw=o / 20) for o in range(6)])
    at_once, joined = Poses.of(meshes), Poses.joined([Poses.of(meshes[:2]), Poses.of(meshes[2:])])
    np.testing.assert_array_equal(joined.openings, at_once.openings)
    np.testing.assert_array_equal(joined.places, at_once.places)


def test_the_choice_is_the_same_every_time() -> None:
    openings = np.random.default_rng(3).uniform(0, 0.5, 200).tolist()
    assert choose_references(*clip(openings)) == choose_references(*clip(openings))
