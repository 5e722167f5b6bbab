"""The committed face_landmarks model: its contract, its golden file, and the iBUG-68 order."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from export.builtin.mediapipe.face_landmarks import IBUG_68
from export.builtin.mediapipe.publish import portrait_face
from export.repository import sha256_of

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

FOLDER = Path(__file__).parents[3] / "model_repository" / "face_landmarks" / "1"
# The iBUG-68 index of each point's mirror image.
MIRROR_68 = (
    *(*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
)


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(FOLDER / "model.onnx")


@pytest.fixture(scope="module")
def landmarks(session: onnxruntime.InferenceSession) -> Floats:
    points: Floats = run(session, portrait_face())["landmarks"][0]
    return points


def run(session: onnxruntime.InferenceSession, *faces: Pixels) -> dict[str, Floats]:
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"face": np.stack(faces)}), strict=True))


def test_the_model_keeps_the_contract(session: onnxruntime.InferenceSession) -> None:
    (face,) = session.get_inputs()
    assert (face.name, face.type, face.shape[1:]) == ("face", "tensor(uint8)", [192, 192, 3])
    assert isinstance(face.shape[0], str)
    outputs = {output.name: (output.type, output.shape[1:]) for output in session.get_outputs()}
    assert outputs == {
        "landmarks": ("tensor(float)", [68, 2]),
        "presence": ("tensor(float)", [1]),
        "mesh": ("tensor(float)", [468, 2]),
    }


def test_the_model_is_what_its_manifest_says() -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text())
    model = onnx.load(FOLDER / "model.onnx")
    assert manifest["files"]["model.onnx"] == sha256_of(FOLDER / "model.onnx")
    assert manifest["golden"]["sha256"] == sha256_of(FOLDER / "golden.npz")
    assert manifest["opset"] == model.opset_import[0].version <= 17
    assert manifest["ir_version"] == model.ir_version <= 9
    assert manifest["crop"]["kind"] == "square-1.5"


def test_the_golden_file_replays(session: onnxruntime.InferenceSession) -> None:
    golden = np.load(FOLDER / "golden.npz")
    for name, values in run(session, *golden["input_face"]).items():
        np.testing.assert_allclose(values, golden[f"output_{name}"], rtol=0, atol=1e-5)


def test_a_face_is_present_and_an_empty_crop_or_noise_is_not(
    session: onnxruntime.InferenceSession,
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (192, 192, 3), dtype=np.uint8)
    flat = np.full((192, 192, 3), 128, np.uint8)
    face, *others = run(session, portrait_face(), noise, flat)["presence"][:, 0]
    assert face > 0.9
    assert max(others) < 0.5


def test_the_68_landmarks_are_points_of_the_mesh(session: onnxruntime.InferenceSession) -> None:
    outputs = run(session, portrait_face())
    np.testing.assert_array_equal(outputs["landmarks"], outputs["mesh"][:, list(IBUG_68)])


def test_the_jaw_runs_from_image_left_over_the_chin_to_image_right(landmarks: Floats) -> None:
    jaw = landmarks[:17]
    assert (np.diff(jaw[:, 0]) > 0).sum() >= 15  # the first step may lean outwards
    assert jaw[:, 1].argmax() == 8
    assert (np.diff(jaw[:9, 1]) > 0).all()
    assert (np.diff(jaw[8:, 1]) < 0).all()


def test_brows_eyes_nose_and_mouth_lie_below_one_another(landmarks: Floats) -> None:
    brows, eyes = landmarks[17:27, 1], landmarks[36:48, 1]
    nose_base, mouth = landmarks[31:36, 1], landmarks[48:68, 1]
    assert brows.max() < eyes.min() < eyes.max() < nose_base.min() < nose_base.max() < mouth.min()


@pytest.mark.parametrize("eye", [36, 42], ids=["right eye", "left eye"])
def test_an_eye_goes_from_image_left_over_the_upper_lid_and_back_below(
    landmarks: Floats, eye: int
) -> None:
    first, upper_1, upper_2, last, lower_1, lower_2 = landmarks[eye : eye + 6]
    assert first[0] < upper_1[0] < upper_2[0] < last[0]
    assert first[0] < lower_2[0] < lower_1[0] < last[0]
    assert max(upper_1[1], upper_2[1]) < min(lower_1[1], lower_2[1])


def test_the_inner_lips_lie_inside_the_outer_lips(landmarks: Floats) -> None:
    outer, inner = landmarks[48:60], landmarks[60:68]
    assert outer[0, 0] < inner[0, 0] < inner[4, 0] < outer[6, 0]
    assert outer[3, 1] < inner[2, 1] < inner[6, 1] < outer[9, 1]


def test_the_mirrored_face_has_the_mirrored_landmarks(
    session: onnxruntime.InferenceSession, landmarks: Floats
) -> None:
    mirrored = run(session, portrait_face()[:, ::-1])["landmarks"][0]
    back = np.stack([1 - mirrored[:, 0], mirrored[:, 1]], axis=1)[list(MIRROR_68)]
    # The network itself is only about this symmetric; a swapped point is off by far more.
    np.testing.assert_allclose(back, landmarks, atol=0.025)


def test_a_batch_gives_what_its_faces_give_alone(session: onnxruntime.InferenceSession) -> None:
    faces = [portrait_face(), portrait_face()[:, ::-1], np.zeros((192, 192, 3), np.uint8)]
    together = run(session, *faces)
    for i, face in enumerate(faces):
        for name, values in run(session, face).items():
            np.testing.assert_allclose(together[name][i], values[0], rtol=0, atol=1e-5)
