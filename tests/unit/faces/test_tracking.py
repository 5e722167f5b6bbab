import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.tracking import Follower, overlap


def faces(*boxes: tuple[float, float, float], score: float = 0.9) -> NDArray[np.float32]:
    """Sixteen detections; the given ones are squares of (x, y, side), the rest is padding."""
    detections = np.zeros((16, 15), np.float32)
    for row, (x, y, side) in zip(detections, boxes, strict=False):
        row[:5] = x, y, x + side, y + side, score
    return detections


def corner(detection: NDArray[np.floating] | None) -> tuple[float, float] | None:
    return None if detection is None else (float(detection[0]), float(detection[1]))


def test_the_largest_face_is_chosen_first() -> None:
    assert corner(Follower().choose(faces((10, 10, 20), (100, 50, 60), (300, 0, 30)))) == (100, 50)


def test_the_chosen_face_is_kept_when_another_grows_larger() -> None:
    follower = Follower()
    follower.choose(faces((100, 50, 60)))
    assert corner(follower.choose(faces((300, 0, 200), (104, 52, 58)))) == (104, 52)


def test_a_face_is_followed_across_the_picture() -> None:
    follower = Follower()
    for step in range(20):
        seen = follower.choose(faces((400 - 20 * step, 0, 60), (20 * step, 0, 60.5)))
        assert corner(seen) == (20 * step, 0)


def test_a_missing_face_is_waited_for() -> None:
    follower = Follower(max_gap_frames=4)
    follower.choose(faces((100, 50, 60)))
    for _ in range(3):
        assert follower.choose(faces((400, 0, 90))) is None
    assert corner(follower.choose(faces((400, 0, 90), (105, 50, 60)))) == (105, 50)


def test_a_lost_face_gives_way_to_the_largest_one() -> None:
    follower = Follower(max_gap_frames=4)
    follower.choose(faces((100, 50, 60)))
    for _ in range(4):
        assert follower.choose(faces((400, 0, 90))) is None
    assert corner(follower.choose(faces((400, 0, 90), (600, 0, 30)))) == (400, 0)


def test_padding_and_doubtful_detections_are_no_faces() -> None:
    follower = Follower()
    assert follower.choose(faces()) is None
    assert follower.choose(faces((100, 50, 60), score=0.3)) is None


def test_overlap_is_intersection_over_union() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], np.float64)
    assert overlap(boxes, boxes[0]).tolist() == pytest.approx([1, 1 / 3, 0])
