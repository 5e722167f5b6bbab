"""PFLD and PFPLD: the file of a landmark network gives landmarks and a mesh when it is served."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from client.errors import InputError
from export.__main__ import main
from export.builtin.mediapipe.face_landmarks import IBUG_68
from export.checkpoint import Checkpoint
from export.example_faces import faces
from export.face_mesh import face_shape, mesh_of_landmarks
from export.families import pfld, pfpld
from export.families.pfld.build import build as build_pfld
from export.families.pfld.wflw import ibug_of_wflw
from export.families.pfpld.build import build as build_pfpld
from export.family import Build
from export.graph_facts import producers_of
from export.onnx_network import session
from export.parity import SERVED, compare
from export.structure import Structure
from orchestrator.faces.pose import pitch_degrees, yaw_degrees
from tests.unit.export.golden_wenet import GOLDEN, golden, recipe

Floats = NDArray[Any]

REAL = GOLDEN.parent / "weights" / "pfld.onnx"
BUILT_IN = Path(__file__).parents[3] / "model_repository" / "face_landmarks" / "1"
LANDMARKS = list(IBUG_68)
MARGIN = 14  # of the crop of 140 around the 112 that the network sees

needs_real = pytest.mark.skipif(not REAL.exists(), reason="no PFLD at hand")


def network(points: int, *, pose: bool = False, spare: int = 0) -> onnx.ModelProto:
    """A landmark network for one face: x is its mean first channel, y falls by its mean third.

    Args:
        points: How many it gives, which are all the same.
        pose: Whether three other numbers come first.
        spare: Numbers behind the points.
    """
    xy = np.zeros((3, points, 2), np.float32)
    xy[0, :, 0], xy[2, :, 1] = 1, -1
    slope = np.concatenate([xy.reshape(3, -1), np.full((3, spare), 9, np.float32)], axis=1)
    offset = np.concatenate([np.tile([0, 1], points), np.full(spare, 9)]).astype(np.float32)
    weights = {
        "slope": slope,
        "offset": offset,
        "turn": np.ones((3, 3), np.float32),
        "flat": np.array([1, -1], np.int64),
    }
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Reshape", ["mean", "flat"], ["row"]),
        helper.make_node("MatMul", ["row", "turn"], ["pose"]),
        helper.make_node("MatMul", ["row", "slope"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["points"]),
    ]
    given = {"pose": 3} if pose else {}
    graph = helper.make_graph(
        nodes,
        "toy_pfld",
        [_declared("input", 1, 3, 112, 112)],
        [_declared(name, 1, n) for name, n in {**given, "points": 2 * points + spare}.items()],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)


def _declared(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def opened(folder: Path, model: onnx.ModelProto) -> Checkpoint:
    path = folder / "toy.onnx"
    onnx.save(model, path)
    return Checkpoint.open(path)


def coloured(*colours: tuple[int, int, int], side: int = 140) -> NDArray[np.uint8]:
    """Crops of one colour each, in a frame of noise that the network must not see."""
    rng = np.random.default_rng(2)
    crops = rng.integers(0, 256, (len(colours), side, side, 3)).astype(np.uint8)
    margin = (side - 112) // 2
    for crop, colour in zip(crops, colours, strict=True):
        crop[margin : side - margin, margin : side - margin] = colour
    return crops


def run(build: Build, crops: NDArray[np.uint8]) -> dict[str, Floats]:
    return build.served.run({"face": crops})


def in_crop(x: float, y: float, margin: int = MARGIN) -> Floats:
    """A place in the network's picture as one in the whole crop."""
    return (np.array([x, y]) * 112 + margin) / (112 + 2 * margin)


@pytest.mark.parametrize(
    ("model", "families"),
    [
        (network(68), [pfld]),
        (network(98), [pfld]),
        (network(98, pose=True), [pfpld]),
        (network(98, pose=True, spare=60), [pfpld]),
        (network(68, pose=True), [pfld]),
        (network(21), []),
    ],
)
def test_files_are_known_by_the_numbers_that_they_give(
    tmp_path: Path, model: onnx.ModelProto, families: list[Any]
) -> None:
    structure: Structure = opened(tmp_path, model).structure
    found = [family for family in (pfpld, pfld) if family.FAMILY.recognises(structure)]
    assert found == families


def test_the_network_sees_the_middle_of_the_crop_in_bgr(tmp_path: Path) -> None:
    build = build_pfld(opened(tmp_path, network(68)), {})
    found = run(build, coloured((0, 0, 255), (255, 90, 0)))["landmarks"]
    assert build.served.inputs[0].shape == (140, 140, 3)
    # x is blue and y what is not red, if channels are turned.
    np.testing.assert_allclose(found[0], np.tile(in_crop(1, 1), (68, 1)), atol=1e-6)
    np.testing.assert_allclose(found[1], np.tile(in_crop(0, 0), (68, 1)), atol=1e-6)


def test_the_order_of_the_channels_can_be_chosen(tmp_path: Path) -> None:
    build = build_pfld(opened(tmp_path, network(68)), {"order": "rgb"})
    found = run(build, coloured((51, 0, 0)))["landmarks"][0]
    np.testing.assert_allclose(found, np.tile(in_crop(0.2, 1), (68, 1)), atol=1e-4)


@pytest.mark.parametrize(("box_scale", "side"), [(1.5, 112), (1.0, 168), (1.2, 140)])
def test_how_much_of_the_crop_is_seen_can_be_chosen(
    tmp_path: Path, box_scale: float, side: int
) -> None:
    build = build_pfld(opened(tmp_path, network(68)), {"box_scale": box_scale})
    found = run(build, coloured((0, 0, 0), side=side))["landmarks"][0]
    assert build.served.inputs[0].shape == (side, side, 3)
    assert build.crop == {"kind": "square-1.5", "scale": 1.5, "size": side}
    np.testing.assert_allclose(found[0], in_crop(0, 1, (side - 112) // 2), atol=1e-6)


def test_every_crop_is_taken_for_a_face(tmp_path: Path) -> None:
    build = build_pfld(opened(tmp_path, network(68)), {})
    presence = run(build, coloured((0, 0, 0), (9, 9, 9), (255, 0, 0)))["presence"]
    np.testing.assert_array_equal(presence, np.ones((3, 1), np.float32))


@pytest.mark.parametrize("spare", [0, 60])
def test_pfpld_gives_its_points_second_and_first_of_their_row(tmp_path: Path, spare: int) -> None:
    build = build_pfpld(opened(tmp_path, network(98, pose=True, spare=spare)), {})
    found = run(build, coloured((0, 0, 51), (0, 0, 102)))["landmarks"]
    np.testing.assert_allclose(found[0], np.tile(in_crop(0.2, 1), (68, 1)), atol=1e-4)
    np.testing.assert_allclose(found[1], np.tile(in_crop(0.4, 1), (68, 1)), atol=1e-4)


def test_ninety_eight_points_become_sixty_eight() -> None:
    numbers = np.arange(98, dtype=np.float32)
    found = ibug_of_wflw() @ numbers
    np.testing.assert_array_equal(found[:17], np.arange(0, 34, 2))
    np.testing.assert_array_equal(found[17:27], [33, 34, 35, 36, 37, 42, 43, 44, 45, 46])
    np.testing.assert_array_equal(found[27:36], np.arange(51, 60))
    np.testing.assert_array_equal(found[36:42], [60, 61, 63, 64, 65, 63])
    np.testing.assert_array_equal(found[42:48], [68, 69, 71, 72, 73, 71])
    np.testing.assert_array_equal(found[48:], np.arange(76, 96))


def test_the_map_of_points_is_that_of_the_network(tmp_path: Path) -> None:
    """Points that differ keep their order on the way through the graph."""
    model = network(98, pose=True)
    places = np.random.default_rng(4).random((98, 2)).astype(np.float32)
    for weight in model.graph.initializer:
        if weight.name == "slope":
            weight.CopyFrom(numpy_helper.from_array(np.zeros((3, 196), np.float32), "slope"))
        if weight.name == "offset":
            weight.CopyFrom(numpy_helper.from_array(places.reshape(-1), "offset"))
    found = run(build_pfpld(opened(tmp_path, model), {}), coloured((1, 2, 3)))
    expected = (ibug_of_wflw() @ places * 112 + MARGIN) / 140
    np.testing.assert_allclose(found["landmarks"][0], expected, atol=1e-6)
    np.testing.assert_allclose(found["mesh"][0][LANDMARKS], expected, atol=1e-5)


@pytest.mark.parametrize("config", [{"order": "grb"}, {"box_scale": 2.0}, {"scale": 1.2}])
def test_other_settings_are_refused(tmp_path: Path, config: dict[str, object]) -> None:
    with pytest.raises(InputError, match="the keys are order, box_scale"):
        build_pfld(opened(tmp_path, network(68)), config)


def test_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gives no landmarks of a face of 112x112"):
        build_pfpld(opened(tmp_path, network(68)), {})


def test_the_command_names_the_family_that_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = opened(tmp_path, network(98, pose=True)).path
    arguments = ["--checkpoint", str(checkpoint), "--repository", str(tmp_path / "models")]
    assert main(["pfld", *arguments]) != 0
    assert "export pfpld" in capsys.readouterr().err
    assert main(["pfpld", *arguments]) == 0
    manifest = json.loads((tmp_path / "models" / "pfpld" / "1" / "manifest.json").read_text())
    assert manifest["crop"]["kind"] == "square-1.5"


def test_landmarks_stay_what_they_are_in_the_mesh() -> None:
    matrix = mesh_of_landmarks()
    assert matrix.shape == (468, 68)
    np.testing.assert_allclose(matrix[LANDMARKS], np.eye(68), atol=1e-9)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-9)


def test_a_head_that_turns_takes_its_whole_mesh_along() -> None:
    """Seen from any side without perspective, the mesh is the face's own."""
    yaw, pitch = np.radians(35), np.radians(-20)
    aside = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    up = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    seen = (face_shape() @ np.array(aside).T @ np.array(up).T)[:, :2] * 300 + (50, 90)
    np.testing.assert_allclose(mesh_of_landmarks() @ seen[LANDMARKS], seen, atol=1e-6)


def test_the_mesh_of_a_real_face_is_near_its_own() -> None:
    mesh = np.load(BUILT_IN / "golden.npz")["output_mesh"][0].astype(np.float64)
    found = mesh_of_landmarks() @ mesh[LANDMARKS]
    width = np.linalg.norm(mesh[454] - mesh[234])
    apart = np.linalg.norm(found - mesh, axis=1) / width
    assert apart.mean() < 0.005
    assert apart.max() < 0.02
    assert abs(yaw_degrees(found[None]) - yaw_degrees(mesh[None])) < 0.5
    assert abs(pitch_degrees(found[None]) - pitch_degrees(mesh[None])) < 2


def test_the_shape_of_the_face_is_that_of_the_built_in_network() -> None:
    """Its own points of the golden portrait in space, averaged with their mirror image."""
    shape = face_shape()
    apart = np.linalg.norm(shape[:, None] - (shape * (-1, 1, 1))[None], axis=-1)
    opposite = apart.argmin(axis=1)
    assert apart.min(axis=1).max() < 1e-6

    points = portrait_points()
    centred = points - points.mean(axis=0)
    mirrored = laid_on((centred * (-1, 1, 1))[opposite], centred)
    found = laid_on((centred + mirrored) / 2, shape)

    np.testing.assert_allclose(found, shape, atol=1e-3)
    assert np.linalg.norm(shape[454] - shape[234]) == pytest.approx(1)


def portrait_points() -> Floats:
    """Points x, y, z [468,3] that the built-in network finds on its golden portrait."""
    model = onnx.load(BUILT_IN / "model.onnx")
    producers, name = producers_of(model.graph), "mesh"
    while producers[name].op_type != "Slice":  # it takes x and y
        name = producers[name].input[0]
    points = producers[name].input[0]
    model.graph.output.append(helper.make_tensor_value_info(points, TensorProto.FLOAT, None))
    face = np.load(BUILT_IN / "golden.npz")["input_face"][:1]
    found: Floats = session(model.SerializeToString()).run([points], {"face": face})[0][0]
    return found.astype(np.float64)


def laid_on(points: Floats, others: Floats) -> Floats:
    """Points turned, scaled and moved to lie nearest to others."""
    centred, target = points - points.mean(axis=0), others - others.mean(axis=0)
    left, scales, right = np.linalg.svd(centred.T @ target)
    signs = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    turned = centred @ (left * signs) @ right * (scales @ signs) / np.sum(centred**2)
    return np.asarray(turned + others.mean(axis=0))


@needs_real
def test_a_real_network_gives_the_published_numbers() -> None:
    given = recipe().uniform_input("pfld", (4, 3, 112, 112))
    found = build_pfld(Checkpoint.open(REAL), {}).core.model  # type: ignore[attr-defined]
    output = session(found.SerializeToString()).run(None, {"input": given})[0]
    expected = golden("F_scrfd_pfpld/golden_pfld_synthetic.npz")["output"]
    assert np.abs(output - expected).max() <= 1e-4


@needs_real
def test_a_real_network_agrees_with_the_built_in_one() -> None:
    build = build_pfld(Checkpoint.open(REAL), {})
    found = run(build, faces(2, 140))
    expected = session(BUILT_IN / "model.onnx").run(["landmarks", "mesh"], {"face": faces(2, 192)})
    for name, values in zip(("landmarks", "mesh"), expected, strict=True):
        assert np.linalg.norm(found[name] - values, axis=-1).mean() < 0.025


@needs_real
def test_a_real_network_gives_the_same_alone_and_in_a_batch() -> None:
    build = build_pfld(Checkpoint.open(REAL), {})
    compare("served", build.served.run, build.served.run, build.examples, SERVED["fp32"])
