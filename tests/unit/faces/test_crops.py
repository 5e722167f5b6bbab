"""Every renderer is shown the face as it was trained to see it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from client.contract import ROLES
from client.errors import ContractError
from export.builtin.mediapipe.face_landmarks import IBUG_68
from orchestrator.faces.crops import CropKind, Dinet, EyesMouth, HeyGem, Wav2Lip, crop_kind
from orchestrator.faces.geometry import Points, face_affine, side_px, to_crop, to_native
from orchestrator.faces.ibug import VERTICES, landmarks_of
from tests.unit.faces.scenes import face_mesh

LEFT, RIGHT, TOP, CHIN = 100.0, 300.0, 80.0, 330.0
BONE_Y, NOSE_X = 170.0, 210.0  # landmarks 29 and 33
EYES_Y, UNDERSIDE_Y = 130.0, 210.0


def known_mesh(**moved: tuple[float, float]) -> NDArray[np.float32]:
    """A face whose landmarks lie where a test can compute with them; all others in its middle."""
    landmarks = np.tile(np.array([NOSE_X, 200.0]), (68, 1))
    landmarks[0], landmarks[16] = (LEFT, 150), (RIGHT, 150)
    landmarks[8] = 200, CHIN
    landmarks[17:27] = np.linspace((120, TOP), (280, TOP), 10)
    landmarks[29] = NOSE_X, BONE_Y
    landmarks[31:36] = NOSE_X, UNDERSIDE_Y
    landmarks[36:48] = NOSE_X, EYES_Y
    landmarks[48], landmarks[54] = (180, 260), (240, 260)
    for name, place in moved.items():
        landmarks[int(name.removeprefix("at_"))] = place
    mesh = np.full((468, 2), 200.0, np.float32)
    mesh[list(VERTICES)] = landmarks
    return mesh


def box(kind: CropKind, mesh: Points, track: Points | None = None) -> list[float]:
    """Left, top, right and bottom of the crop of a face that was followed through a track."""
    meshes = mesh[None] if track is None else track
    affine = kind.settled(kind.measured(meshes))(mesh)
    assert affine[0, 1] == affine[1, 0] == 0
    return to_native(np.array([[0, 0], [1, 1]]), affine).ravel().tolist()


def test_landmarks_are_the_vertices_that_the_landmark_model_takes() -> None:
    assert VERTICES == IBUG_68


def test_landmarks_are_read_off_any_number_of_meshes() -> None:
    mesh = known_mesh()
    assert landmarks_of(np.stack([mesh, mesh]))[1, 33].tolist() == [NOSE_X, UNDERSIDE_Y]


def test_every_kind_of_the_contract_is_laid_out() -> None:
    kinds = [crop_kind(kind, {}) for kind in ROLES["landmark2face"].crops]
    assert [type(kind) for kind in kinds] == [EyesMouth, HeyGem, Dinet, Wav2Lip]


def test_an_unknown_kind_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ContractError, match=r"geometry round is not one .* heygem-v1, dinet"):
        crop_kind("round", {})


@pytest.mark.parametrize("wh", [0, -1, "wide", True, float("inf")])
def test_a_proportion_that_is_none_is_refused(wh: object) -> None:
    with pytest.raises(ContractError, match="proportion wh"):
        crop_kind("heygem-v1", {"wh": wh})


def test_the_built_in_crop_is_what_it_was() -> None:
    mesh = face_mesh(turn_degrees=20)
    crop = EyesMouth().settled(EyesMouth().measured(mesh[None]))
    assert (crop(mesh) == face_affine(mesh)).all()


def test_heygems_crop_is_the_inner_part_of_its_square() -> None:
    s = CHIN - TOP  # the width over the proportion of this very face is its height
    inner = (1 - 256 / 266) / 2 * 1.5 * s
    middle = (LEFT + RIGHT) / 2

    left, top, right, bottom = box(HeyGem(), known_mesh())

    assert left == pytest.approx(middle - 0.75 * s + inner)
    assert right == pytest.approx(middle + 0.75 * s - inner)
    assert top == pytest.approx(TOP - 0.15 * s + inner)
    assert bottom == pytest.approx(TOP + 1.35 * s - inner)


def test_heygems_crop_goes_by_the_mean_proportion_of_the_track() -> None:
    longer = known_mesh(at_8=(200, CHIN + 50))
    mean = ((RIGHT - LEFT) / 250 + (RIGHT - LEFT) / 300) / 2

    left, _, right, _ = box(HeyGem(), longer, np.stack([known_mesh(), longer]))

    assert right - left == pytest.approx(1.5 * 256 / 266 * (RIGHT - LEFT) / mean)


def test_a_face_that_was_never_measured_takes_the_proportion_of_the_manifest() -> None:
    kind = crop_kind("heygem-v1", {"wh": 0.8})
    affine = kind.settled(np.zeros(0))(known_mesh())
    assert side_px(affine) == pytest.approx(1.5 * 256 / 266 * (RIGHT - LEFT) / 0.8)


def test_dinets_crop_has_three_and_a_quarter_radii_around_nose_and_bone() -> None:
    radius = 1.05 * (CHIN - BONE_Y) / 2

    left, top, right, bottom = box(Dinet(), known_mesh())

    assert top == pytest.approx(BONE_Y - radius)
    assert bottom == pytest.approx(BONE_Y + 2.25 * radius)
    assert left == pytest.approx(NOSE_X - 1.625 * radius)
    assert right == pytest.approx(NOSE_X + 1.625 * radius)


def test_dinets_radius_is_the_width_of_a_mouth_that_is_wider_than_the_face_is_long() -> None:
    wide = known_mesh(at_48=(110, 260), at_54=(290, 260))
    _, top, _, _ = box(Dinet(), wide)
    assert top == pytest.approx(BONE_Y - 1.05 * 180 / 2)


def test_dinets_crop_does_not_breathe_with_the_jaw() -> None:
    closed, opened = known_mesh(), known_mesh(at_8=(200, CHIN + 30))
    track = np.stack([closed, opened])
    assert box(Dinet(), closed, track) == pytest.approx(box(Dinet(), opened, track))


def test_the_chin_of_a_usual_frame_is_inside_what_dinet_paints() -> None:
    track = np.stack([known_mesh(at_8=(200, CHIN + jaw)) for jaw in range(0, 40, 2)])
    affine = Dinet().settled(Dinet().measured(track))(track[-2])
    assert to_crop(landmarks_of(track[-2])[8], affine)[1] < 384 / 416


def test_wav2lips_box_ends_at_the_landmarks_and_holds_part_of_the_forehead() -> None:
    left, top, right, bottom = box(Wav2Lip(), known_mesh())

    assert (left, right) == pytest.approx((LEFT, RIGHT))
    assert top == pytest.approx(TOP - 0.36 * (CHIN - TOP))
    assert bottom == pytest.approx(CHIN + 0.05 * (CHIN - TOP))


def test_wav2lips_box_follows_the_chin_but_leaves_the_forehead() -> None:
    closed, opened = known_mesh(), known_mesh(at_8=(200, CHIN + 30))
    track = np.stack([closed, closed, opened])
    _, top, _, bottom = box(Wav2Lip(), closed, track)
    _, opened_top, _, opened_bottom = box(Wav2Lip(), opened, track)
    assert opened_top == pytest.approx(top)
    assert opened_bottom == pytest.approx(bottom + 30)


@pytest.mark.parametrize("kind", [EyesMouth(), HeyGem(), Dinet(), Wav2Lip()])
def test_a_face_twice_as_near_has_a_crop_twice_as_large_at_the_same_place(kind: CropKind) -> None:
    mesh = known_mesh()
    crop = kind.settled(kind.measured(mesh[None]))
    np.testing.assert_allclose(crop(mesh * 2), crop(mesh) * 2, atol=1e-3)
