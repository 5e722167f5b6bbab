"""The committed face_detection model: its contract, its golden file, and what it finds."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from export.builtin.mediapipe.face_detection import (
    MOUTH_HALF_WIDTH,
    add_detections,
    anchor_centres,
)
from export.builtin.mediapipe.onnx_builder import OnnxBuilder
from export.builtin.mediapipe.publish import portrait_picture
from export.repository import sha256_of

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

FOLDER = Path(__file__).parents[3] / "model_repository" / "face_detection" / "1"


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(FOLDER / "model.onnx")


def detect(session: onnxruntime.InferenceSession, *pictures: Pixels) -> Floats:
    detections: Floats = session.run(None, {"image": np.stack(pictures)})[0]
    return detections


def found(detections: Floats) -> int:
    return int((detections[:, 4] > 0).sum())


def two_portraits() -> Pixels:
    """Returns the portrait at half size twice, above one another at the picture's left."""
    half = portrait_picture()[::2, ::2]
    picture = np.zeros((192, 192, 3), np.uint8)
    picture[:96, :96] = half
    picture[96:, :96] = half
    return picture


def test_the_model_keeps_the_contract(session: onnxruntime.InferenceSession) -> None:
    (image,) = session.get_inputs()
    (detections,) = session.get_outputs()
    assert (image.name, image.type, image.shape[1:]) == ("image", "tensor(uint8)", [192, 192, 3])
    assert (detections.name, detections.type) == ("detections", "tensor(float)")
    assert detections.shape[1:] == [16, 15]
    assert isinstance(image.shape[0], str)


def test_the_model_is_what_its_manifest_says() -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text())
    model = onnx.load(FOLDER / "model.onnx")
    assert manifest["files"]["model.onnx"] == sha256_of(FOLDER / "model.onnx")
    assert manifest["golden"]["sha256"] == sha256_of(FOLDER / "golden.npz")
    assert manifest["opset"] == model.opset_import[0].version <= 17
    assert manifest["ir_version"] == model.ir_version <= 9


def test_the_golden_file_replays(session: onnxruntime.InferenceSession) -> None:
    golden = np.load(FOLDER / "golden.npz")
    detections = detect(session, *golden["input_image"])
    np.testing.assert_allclose(detections, golden["output_detections"], rtol=0, atol=1e-3)


def test_the_portrait_has_one_face_with_its_points_in_place(
    session: onnxruntime.InferenceSession,
) -> None:
    (faces,) = detect(session, portrait_picture())
    assert found(faces) == 1
    right_eye, left_eye, nose, right_corner, left_corner = faces[0, 5:].reshape(5, 2)
    # Where they are seen in the 192-pixel picture.
    np.testing.assert_allclose(right_eye, (76, 39), atol=2)
    np.testing.assert_allclose(left_eye, (93, 40), atol=2)
    np.testing.assert_allclose(nose, (84, 49), atol=3)
    np.testing.assert_allclose(right_corner, (77, 55), atol=4)
    np.testing.assert_allclose(left_corner, (91, 56), atol=4)


def test_two_faces_are_both_found_best_first(session: onnxruntime.InferenceSession) -> None:
    (faces,) = detect(session, two_portraits())
    assert found(faces) == 2
    assert faces[0, 4] >= faces[1, 4]
    np.testing.assert_allclose(np.ptp(faces[:2, 1]), 96, atol=3)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_has_no_face(session: onnxruntime.InferenceSession, level: int) -> None:
    assert not detect(session, np.full((192, 192, 3), level, np.uint8)).any()


def test_noise_has_no_face(session: onnxruntime.InferenceSession) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 192, 192, 3), dtype=np.uint8)
    assert not detect(session, *noise).any()


def test_a_batch_gives_what_its_pictures_give_alone(session: onnxruntime.InferenceSession) -> None:
    pictures = [portrait_picture(), np.zeros((192, 192, 3), np.uint8), two_portraits()]
    together = detect(session, *pictures)
    for row, picture in zip(together, pictures, strict=True):
        np.testing.assert_allclose(row, detect(session, picture)[0], rtol=0, atol=1e-3)


def test_decoding_agrees_with_plain_numpy() -> None:
    builder = OnnxBuilder("decoding")
    regressors = builder.input("regressors", TensorProto.FLOAT, [2304, 16])
    logits = builder.input("logits", TensorProto.FLOAT, [2304, 1])
    add_detections(builder, regressors, logits)
    session = onnxruntime.InferenceSession(builder.model().SerializeToString())
    rng = np.random.default_rng(1)
    values = rng.uniform(1, 12, (1, 2304, 16)).astype(np.float32)
    odds = rng.normal(-4, 3, (1, 2304, 1)).astype(np.float32)
    (faces,) = session.run(None, {"regressors": values, "logits": odds})[0]
    assert found(faces) == 16
    for face in faces:
        anchor = int(np.abs(1 / (1 + np.exp(-odds[0, :, 0])) - face[4]).argmin())
        expected = decoded(values[0, anchor], anchor_centres()[anchor])
        np.testing.assert_allclose(np.delete(face, 4), expected, atol=1e-3)


def decoded(values: Floats, anchor: Floats) -> Floats:
    centre, size, right_eye, left_eye, nose, mouth, _, _ = values.reshape(8, 2)
    half_mouth = MOUTH_HALF_WIDTH * (left_eye - right_eye)
    points = np.stack([right_eye, left_eye, nose, mouth - half_mouth, mouth + half_mouth])
    box = np.stack([centre - size / 2, centre + size / 2])
    return np.concatenate([box, points]).ravel() + np.tile(anchor, 7)
