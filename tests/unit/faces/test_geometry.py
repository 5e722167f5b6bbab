import numpy as np
import pytest

from orchestrator.faces.geometry import (
    Letterbox,
    Region,
    covered_region,
    crops_apart,
    detection_affine,
    face_affine,
    mesh_affine,
    side_px,
    to_crop,
    to_native,
)
from tests.unit.faces.scenes import face_mesh, square


def test_points_come_back_from_the_crop() -> None:
    affine = square(30, 50, 170, turn_degrees=33)
    points = np.random.default_rng(0).uniform(0, 400, (50, 2))
    np.testing.assert_allclose(to_native(to_crop(points, affine), affine), points)


def test_the_middle_of_the_crop_is_half() -> None:
    assert to_crop(np.array([31.5, 51.5]), square(30, 50, 4)).tolist() == [0.5, 0.5]


def test_the_crop_of_a_detection_is_one_and_a_half_boxes_with_level_eyes() -> None:
    detection = np.zeros(15)
    detection[:4] = 100, 80, 180, 140
    detection[5:9] = 120, 100, 160, 140  # the eyes run 45 degrees down
    affine = detection_affine(detection)
    assert side_px(affine) == pytest.approx(1.5 * 80)
    np.testing.assert_allclose(to_native(np.array([0.5, 0.5]), affine), (140, 110))
    right_eye, left_eye = to_crop(detection[5:9].reshape(2, 2), affine)
    assert right_eye[1] == pytest.approx(left_eye[1])
    assert right_eye[0] < left_eye[0]


@pytest.mark.parametrize("turn", [0, 20, -45, 170])
def test_the_crop_of_a_mesh_holds_it_in_its_middle_two_thirds(turn: float) -> None:
    mesh = face_mesh(turn_degrees=turn)
    inside = to_crop(mesh, mesh_affine(mesh))
    low, high = inside.min(axis=0), inside.max(axis=0)
    np.testing.assert_allclose((low + high) / 2, (0.5, 0.5), atol=1e-6)
    assert (high - low).max() == pytest.approx(1 / 1.5, abs=1e-6)
    assert inside[33, 1] == pytest.approx(inside[263, 1], abs=1e-6)


@pytest.mark.parametrize("turn", [0, 20, -45])
def test_the_face_crop_lies_the_same_on_the_face_however_it_turns(turn: float) -> None:
    mesh = face_mesh(turn_degrees=turn)
    upright = face_mesh()
    np.testing.assert_allclose(
        to_crop(mesh, face_affine(mesh)), to_crop(upright, face_affine(upright)), atol=1e-5
    )


def test_the_face_crop_has_the_sides_and_the_centre_of_its_kind() -> None:
    mesh = face_mesh(centre=(0, 0), width=100)
    eye_distance, eyes_to_mouth = 42, 40
    affine = face_affine(mesh)
    side = max(2.6 * eye_distance, 2.7 * eyes_to_mouth)
    assert side_px(affine) == pytest.approx(side, rel=1e-5)
    np.testing.assert_allclose(
        to_native(np.array([0.5, 0.5]), affine), (0, -10 + 0.26 * side), atol=1e-4
    )


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (320, 320), (70, 50)])
def test_detections_in_a_thumbnail_lead_back_to_the_picture(width: int, height: int) -> None:
    letterbox = Letterbox.of(width, height, 192)
    scale = 192 / max(width, height)
    bars = (192 - np.array([width, height]) * scale) / 2
    native = np.random.default_rng(0).uniform(0, 1, (7, 2)) * (width, height)
    in_thumbnail = ((native + 0.5) * scale + bars).ravel()
    detection = np.concatenate((in_thumbnail[:4], [0.8], in_thumbnail[4:]))[None]
    mapped = letterbox.detections_to_native(detection)
    expected = np.concatenate((native.ravel()[:4], [0.8], native.ravel()[4:]))
    np.testing.assert_allclose(mapped[0], expected, rtol=1e-5, atol=1e-3)


def test_a_covered_region_is_cut_at_the_picture() -> None:
    assert covered_region(square(-20, 90, 40), (100, 200)) == Region(0, 89, 21, 100)
    assert covered_region(square(300, 300, 40), (100, 200)).empty


def test_crops_lie_apart_by_place_or_by_size() -> None:
    crop = square(100, 50, 80)

    assert crops_apart(crop, crop) == 0
    assert crops_apart(square(108, 50, 80), crop) == pytest.approx(0.1)
    assert crops_apart(square(100 - 4, 50 - 4, 88), crop) == pytest.approx(np.log(1.1))
