"""The recipe: the pinned wheel still gives the committed models, and they compute the same."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from onnx import TensorProto

from client.errors import InputError
from export.builtin.mediapipe import wheel
from export.builtin.mediapipe.convert import convert
from export.builtin.mediapipe.face_detection import build_face_detection
from export.builtin.mediapipe.face_landmarks import build_face_landmarks
from export.builtin.mediapipe.onnx_builder import OnnxBuilder
from export.builtin.mediapipe.publish import portrait_face, portrait_picture
from export.builtin.mediapipe.tflite_graph import TfliteGraph

Array = NDArray[Any]

REPOSITORY = Path(__file__).parents[3] / "model_repository"


@pytest.fixture(scope="module")
def wheel_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return wheel.download_wheel(tmp_path_factory.mktemp("wheel"), timeout_s=60)
    except InputError as error:
        pytest.skip(str(error))


def tflite_outputs(content: bytes, picture: Array) -> list[Array]:
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    return [interpreter.get_tensor(out["index"]) for out in interpreter.get_output_details()]


def converted_outputs(content: bytes, picture: Array) -> list[Array]:
    """Runs the bare network, without what the published models put around it."""
    builder = OnnxBuilder("bare")
    graph = TfliteGraph(content)
    names = convert(graph, builder, builder.input("image", TensorProto.FLOAT, [3, 192, 192]))
    for tensor, name in zip(graph.outputs, names, strict=True):
        shape = graph.shape(tensor)[1:]
        planar = (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape
        builder.output(name, f"output_{tensor}", planar)
    session = onnxruntime.InferenceSession(builder.model().SerializeToString())
    outputs: list[Array] = session.run(None, {"image": picture.transpose(0, 3, 1, 2)})
    return outputs


def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (192, 192, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "member", "build"),
    [
        ("face_detection", wheel.DETECTION_FILE, build_face_detection),
        ("face_landmarks", wheel.LANDMARK_FILE, build_face_landmarks),
    ],
)
def test_the_recipe_gives_the_committed_model(
    wheel_path: Path, name: str, member: str, build: Any
) -> None:
    committed = onnx.load(REPOSITORY / name / "1" / "model.onnx")
    rebuilt = build(wheel.read_tflite(wheel_path, member))
    assert rebuilt.graph == committed.graph


@pytest.mark.parametrize("picture", [portrait_picture(), noise()], ids=["portrait", "noise"])
def test_the_detection_network_computes_what_tflite_computes(
    wheel_path: Path, picture: NDArray[np.uint8]
) -> None:
    content = wheel.read_tflite(wheel_path, wheel.DETECTION_FILE)
    scaled = (picture[None] / 127.5 - 1).astype(np.float32)
    for ours, theirs in zip(
        converted_outputs(content, scaled), tflite_outputs(content, scaled), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)


@pytest.mark.parametrize("picture", [portrait_face(), noise()], ids=["face", "noise"])
def test_the_landmark_network_computes_what_tflite_computes(
    wheel_path: Path, picture: NDArray[np.uint8]
) -> None:
    content = wheel.read_tflite(wheel_path, wheel.LANDMARK_FILE)
    scaled = (picture[None] / 255).astype(np.float32)
    points, flag = converted_outputs(content, scaled)
    tflite_points, tflite_flag = tflite_outputs(content, scaled)
    np.testing.assert_allclose(points.ravel(), tflite_points.ravel(), rtol=0, atol=1e-2)  # pixels
    np.testing.assert_allclose(flag.ravel(), tflite_flag.ravel(), rtol=0, atol=1e-3)


def test_another_file_than_the_pinned_wheel_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"not the wheel")
    with pytest.raises(InputError, match="has sha256"):
        wheel.read_tflite(other, wheel.LANDMARK_FILE)


def test_a_wheel_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.whl is not a file"):
        wheel.read_tflite(tmp_path / "absent.whl", wheel.LANDMARK_FILE)
