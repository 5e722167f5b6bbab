"""SCRFD: the file of a detector becomes a model that gives faces."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from client.errors import InputError
from export.__main__ import main
from export.checkpoint import Checkpoint
from export.example_faces import pictures
from export.families.scrfd import FAMILY
from export.families.scrfd.build import build
from export.families.scrfd.decode import FACES, add_detections, anchors, decoded
from export.families.scrfd.layout import LAYOUTS, Layout
from export.families.scrfd.settings import Settings
from export.family import Build
from export.onnx_network import session
from export.onnx_wrap import WrappingBuilder
from export.parity import CORE, SERVED, compare
from export.structure import Structure
from tests.unit.export.golden_wenet import GOLDEN, golden, recipe
from tests.unit.export.toy_detector import DISTANCES, KEYPOINTS, dark, detector, write

Floats = NDArray[np.float32]

REAL = GOLDEN.parent / "weights" / "scrfd_2.5g_kps.onnx"
BUILT_IN = Path(__file__).parents[3] / "model_repository" / "face_detection" / "1" / "model.onnx"
THREE_STRIDES = LAYOUTS[0]
WHITE = 255

needs_real = pytest.mark.skipif(not REAL.exists(), reason="no detector of InsightFace at hand")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "toy_scrfd.onnx"


def built(path: Path, model: onnx.ModelProto, **config: object) -> Build:
    return build(Checkpoint.open(write(path, model)), config)


def detect(build_: Build, images: NDArray[np.uint8]) -> Floats:
    return np.asarray(build_.served.run({"image": images})["detections"], np.float32)


def recognised(path: Path, model: onnx.ModelProto) -> bool:
    return FAMILY.recognises(Structure.read(write(path, model)))


def white_cell(x: int, y: int, stride: int = 8) -> NDArray[np.uint8]:
    image = dark(1)
    image[0, y : y + stride, x : x + stride] = WHITE
    return image


def expected_row(x: int, y: int, stride: int = 8) -> Floats:
    """The face of a toy's anchor at (x, y), without its score."""
    left, top, right, bottom = np.array(DISTANCES) * stride
    points = np.array(KEYPOINTS) * stride + np.tile((x, y), 5)
    return np.array([x - left, y - top, x + right, y + bottom, *points], np.float32)


@pytest.mark.parametrize("keypoints", [True, False])
@pytest.mark.parametrize("joined", [True, False])
def test_files_are_known_by_the_widths_of_their_outputs(
    path: Path, keypoints: bool, joined: bool
) -> None:
    assert recognised(path, detector(keypoints=keypoints, joined=joined))


def test_five_strides_are_known_as_well(path: Path) -> None:
    strides = LAYOUTS[1].strides
    assert recognised(path, detector(strides=strides, anchors=1))


def test_two_strides_are_not(path: Path) -> None:
    assert not recognised(path, detector(strides=(8, 16)))


def test_a_cell_of_white_is_a_face_at_its_corner(path: Path) -> None:
    (found,) = detect(built(path, detector()), white_cell(24, 40))
    assert found.shape == (FACES, 15)
    np.testing.assert_allclose(np.delete(found[0], 4), expected_row(24, 40), atol=1e-4)
    assert 0.99 < found[0, 4] < 1
    assert not found[1:].any(), "the second anchor of the cell is the same face"


def test_every_row_of_a_batch_has_its_own_faces(path: Path) -> None:
    images = np.concatenate([white_cell(0, 8), dark(1), white_cell(48, 32)])
    found = detect(built(path, detector()), images)
    np.testing.assert_allclose(np.delete(found[0, 0], 4), expected_row(0, 8), atol=1e-4)
    assert not found[1].any()
    np.testing.assert_allclose(np.delete(found[2, 0], 4), expected_row(48, 32), atol=1e-4)


def test_the_first_channel_is_red(path: Path) -> None:
    image = white_cell(24, 40)
    image[..., 1:] = 0
    assert detect(built(path, detector()), image)[0, 0, 4] > 0.5
    assert not detect(built(path, detector()), image[..., ::-1].copy()).any()


@pytest.mark.parametrize("drawn_from", [(0, 2, 3, 1), (2, 3, 0, 1)])
def test_files_of_one_picture_take_many(path: Path, drawn_from: Sequence[int]) -> None:
    found = built(path, detector(joined=True, drawn_from=drawn_from))
    images = np.concatenate([white_cell(0, 8), white_cell(48, 32)])
    rows = detect(found, images)[:, 0]
    np.testing.assert_allclose(np.delete(rows[0], 4), expected_row(0, 8), atol=1e-4)
    np.testing.assert_allclose(np.delete(rows[1], 4), expected_row(48, 32), atol=1e-4)


def test_five_strides_with_one_anchor(path: Path) -> None:
    strides = LAYOUTS[1].strides
    side = strides[-1]
    model = detector(strides=strides, anchors=1, sides=("h", "w"))
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = side
    image = np.zeros((1, side, side, 3), np.uint8)
    image[0, 40:48, 24:32] = WHITE
    (found,) = detect(built(path, model), image)
    np.testing.assert_allclose(np.delete(found[0], 4), expected_row(24, 40), atol=1e-4)


def test_anchors_go_from_stride_to_stride_and_row_by_row() -> None:
    points, strides = anchors(Layout((8, 16), 2), 16)
    eight = [(0, 0), (0, 0), (8, 0), (8, 0), (0, 8), (0, 8), (8, 8), (8, 8)]
    np.testing.assert_array_equal(points, [*eight, (0, 0), (0, 0)])
    np.testing.assert_array_equal(strides[:, 0], [8] * 8 + [16] * 2)


def test_pictures_of_any_size_become_those_of_640(path: Path) -> None:
    found = built(path, detector(sides=("h", "w")))
    assert found.served.inputs[0].shape == (640, 640, 3)


def test_the_written_network_gives_the_numbers_of_the_file(path: Path) -> None:
    found = built(path, detector(joined=True))
    network = session(found.core.model.SerializeToString())  # type: ignore[attr-defined]
    names = [output.name for output in network.get_outputs()]

    def run(arrays: Any) -> dict[str, Any]:
        return dict(zip(names, network.run(names, dict(arrays)), strict=True))

    figures = compare("core", found.core.run, run, found.core_examples, CORE["fp32"])
    assert len(figures) == 27


def test_without_keypoints_it_is_refused(path: Path) -> None:
    with pytest.raises(InputError, match="gives no keypoints"):
        built(path, detector(keypoints=False))


def test_other_anchors_are_refused(path: Path) -> None:
    with pytest.raises(InputError, match="with 2 anchors a cell give"):
        built(path, detector(anchors=3))


def test_pictures_that_are_not_square_are_refused(path: Path) -> None:
    with pytest.raises(InputError, match="takes pictures of 64x32"):
        built(path, detector(sides=(32, 64)))


def test_thresholds_are_those_of_the_configuration(path: Path) -> None:
    found = built(path, detector(), score_threshold=0.9999)
    assert not detect(found, white_cell(24, 40)).any()
    assert found.parameters == {"score_threshold": 0.9999, "iou_threshold": 0.4}


@pytest.mark.parametrize("config", [{"nms": 0.4}, {"iou_threshold": 1.5}])
def test_other_settings_are_refused(path: Path, config: dict[str, object]) -> None:
    with pytest.raises(InputError, match="the keys are score_threshold, iou_threshold"):
        built(path, detector(), **config)


def test_the_command_publishes_it(path: Path, tmp_path: Path) -> None:
    write(path, detector())
    repository = tmp_path / "models"
    assert main(["scrfd", "--checkpoint", str(path), "--repository", str(repository)]) == 0
    manifest = json.loads((repository / "scrfd" / "1" / "manifest.json").read_text())
    assert "non-commercial" in manifest["licence"]
    assert manifest["parameters"]["iou_threshold"] == 0.4


def raw_outputs() -> list[Floats]:
    """Made-up outputs of an SCRFD for a picture of 640x640, in its order."""
    make = recipe()

    def uniform(kind: str, width: int) -> list[Floats]:
        rows = THREE_STRIDES.rows(640)
        pairs = zip(THREE_STRIDES.strides, rows, strict=True)
        return [make.uniform_input(f"{kind}{stride}", (1, row, width)) for stride, row in pairs]

    scores = [values**40 for values in uniform("score", 1)]
    boxes = [1 + 6 * values for values in uniform("bbox", 4)]
    keypoints = [8 * values - 4 for values in uniform("kps", 10)]
    return [np.asarray(values, np.float32) for values in (*scores, *boxes, *keypoints)]


def decode(outputs: Sequence[Floats], iou_threshold: float, count: int) -> Floats:
    """What the served graph makes of a network's outputs."""
    builder = WrappingBuilder("decode")
    names = [
        builder.input(f"out{at}", TensorProto.FLOAT, values.shape[1:])
        for at, values in enumerate(outputs)
    ]
    rows = decoded(builder, names, THREE_STRIDES, 640)
    add_detections(builder, rows, Settings(score_threshold=0.5, iou_threshold=iou_threshold), count)
    network = session(builder.model().SerializeToString())
    found: Floats = network.run(None, dict(zip(names, outputs, strict=True)))[0]
    return found


@pytest.mark.parametrize(("iou_threshold", "kept", "name"), [(0.35, 210, "035"), (0.4, 230, "040")])
def test_the_faces_of_made_up_outputs_are_the_published_ones(
    iou_threshold: float, kept: int, name: str
) -> None:
    file = golden("F_scrfd_pfpld/golden_decode_synthetic.npz")
    outputs = raw_outputs()
    nothing = [np.zeros_like(values) for values in outputs]
    both = [np.concatenate(pair) for pair in zip(nothing, outputs, strict=True)]

    empty, found = decode(both, iou_threshold, kept + 1)

    assert not empty.any()
    assert np.count_nonzero(found[:, 4]) == kept
    np.testing.assert_array_equal(found[:kept, 4], file[f"scores_nms{name}"])
    np.testing.assert_allclose(found[:kept, :4], file[f"boxes_nms{name}"], atol=1e-3)
    points = found[:kept, 5:].reshape(-1, 5, 2)
    np.testing.assert_allclose(points, file[f"kps_nms{name}"], atol=1e-3)
    np.testing.assert_array_equal(decode(both, iou_threshold, FACES)[1], found[:FACES])


@needs_real
def test_a_real_detector_gives_the_published_numbers() -> None:
    file = golden("F_scrfd_pfpld/golden_scrfd_2.5g_synthetic.npz")
    noise = recipe().smooth_image("scrfd", (4, 3, 640, 640), 32)
    pictures_ = np.asarray((noise * 2 - 1) * np.float32(0.99), np.float32)
    found = build(Checkpoint.open(REAL), {})
    network = session(found.core.model.SerializeToString())  # type: ignore[attr-defined]
    for name, values in zip(
        [output.name for output in network.get_outputs()],
        network.run(None, {"images": pictures_}),
        strict=True,
    ):
        rows = np.linspace(0, values.shape[1] - 1, 40).astype(int)
        assert np.abs(values[[0, 2, 3]][:, rows] - file[name]).max() <= 1e-4


@needs_real
def test_a_real_detector_agrees_with_the_built_in_one() -> None:
    """The same face, and the same order of the five points."""
    found = build(Checkpoint.open(REAL), {"iou_threshold": 0.35})
    ours = detect(found, pictures(3, 640))[:, 0] * 192 / 640
    theirs = session(BUILT_IN).run(None, {"image": pictures(3, 192)})[0][:, 0]
    for mine, other in zip(ours, theirs, strict=True):
        shared = np.minimum(mine[2:4], other[2:4]) - np.maximum(mine[:2], other[:2])
        area = np.prod(shared)
        both = np.prod(mine[2:4] - mine[:2]) + np.prod(other[2:4] - other[:2]) - area
        assert area / both > 0.6
        eyes = np.linalg.norm(other[7:9] - other[5:7])
        apart = np.linalg.norm((mine[5:] - other[5:]).reshape(5, 2), axis=1)
        assert apart.max() < 0.35 * eyes


@needs_real
def test_a_real_detector_gives_the_same_alone_and_in_a_batch() -> None:
    found = build(Checkpoint.open(REAL), {})
    compare("served", found.served.run, found.served.run, found.examples, SERVED["fp32"])


def test_the_graph_keeps_to_what_servers_have(path: Path) -> None:
    model = built(path, detector()).served.model  # type: ignore[attr-defined]
    onnx.checker.check_model(model, full_check=True)
    (version,) = {entry.version for entry in model.opset_import}
    assert version <= 17
    assert model.ir_version <= 9
