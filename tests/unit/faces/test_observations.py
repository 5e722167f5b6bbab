import numpy as np
import pytest

from orchestrator.faces.observations import ObservationLog, box_of, distinct, overlap
from tests.unit.faces.people import look


def test_overlap_is_intersection_over_union() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], np.float64)
    assert overlap(boxes, boxes[0]).tolist() == pytest.approx([1, 1 / 3, 0])


def test_boxes_of_one_face_count_once() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 1, 10, 11]], np.float64)
    assert distinct(boxes) == [0, 2]


def test_the_box_of_a_mesh_bounds_it() -> None:
    mesh = np.array([[3, 9], [1, 4], [8, 5]], np.float32)
    assert box_of(mesh).tolist() == [1, 4, 8, 9]


def test_a_log_gives_back_what_it_took() -> None:
    log = ObservationLog()
    log.add(0, np.array([1, 2, 3, 4]), look(1))
    log.add(7, np.array([5, 6, 7, 8]), look(2))
    observations = log.read()
    assert observations.frames.tolist() == [0, 7]
    assert observations.boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert np.array_equal(observations.looks, np.stack((look(1), look(2))))


def test_an_empty_log_holds_no_faces() -> None:
    assert len(ObservationLog().read()) == 0
