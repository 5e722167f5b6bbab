"""Restoration networks: ONNX files of a face in and a face out, as pixels and in batches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from client.errors import InputError
from export.__main__ import main
from export.checkpoint import Checkpoint
from export.families import families
from export.families.restoration import FAMILY
from export.families.restoration.build import build
from export.families.restoration.graph import all_nodes
from export.onnx_network import run_session, session
from export.precision import in_precision
from export.structure import Structure
from tests.unit.export.golden_wenet import GOLDEN

ROOT = Path(__file__).parents[3]
SIDE = 512
PICTURE = [1, 3, SIDE, SIDE]

Make = Callable[[Path], Path]


def constant(name: str, values: NDArray[np.generic]) -> onnx.TensorProto:
    return numpy_helper.from_array(values, name)


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    *,
    more: list[onnx.ValueInfoProto] | None = None,
    opset: int = 13,
) -> Path:
    """Writes a network from `x` to `y`, pictures of a fixed batch of 1."""
    taken = [helper.make_tensor_value_info("x", TensorProto.FLOAT, PICTURE), *(more or [])]
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, PICTURE)
    graph = helper.make_graph(nodes, "restorer", taken, [given], constants)
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=7), path)
    return path


def negative(path: Path, opset: int = 13) -> Path:
    """Gives the negative of a face, through a Reshape that knows only one picture."""
    nodes = [
        helper.make_node("Reshape", ["x", "flat"], ["rows"]),
        helper.make_node("Neg", ["rows"], ["turned"]),
        helper.make_node("Reshape", ["turned", "whole"], ["y"]),
    ]
    constants = [
        constant("flat", np.array([1, -1, SIDE], np.int64)),
        constant("whole", np.array(PICTURE, np.int64)),
    ]
    return save(path, nodes, constants, opset=opset)


def modulated(path: Path) -> Path:
    """A convolution whose weights depend on the picture, as StyleGAN's do: one group a picture."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["mean", "kernel"], ["style"]),
        helper.make_node("Conv", ["x", "style"], ["y"], group=1),
    ]
    return save(path, nodes, [constant("kernel", np.eye(3, dtype=np.float32)[..., None, None])])


def faithful(path: Path) -> Path:
    """A network with CodeFormer's second input, by which the picture is multiplied."""
    nodes = [
        helper.make_node("Cast", ["w"], ["share"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "share"], ["y"]),
    ]
    weight = helper.make_tensor_value_info("w", TensorProto.DOUBLE, [])
    return save(path, nodes, [], more=[weight])


def faces(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def precisions(graph: onnx.GraphProto) -> dict[str, int]:
    """Types that the pixels are scaled in and that the network computes in."""
    inner = [n for n in all_nodes(graph) if n.op_type == "Cast" and "network/" in n.output[0]]
    outer = [n for n in graph.node if n.op_type == "Cast" and n.output[0] == "pixels"]
    halves = {n.attribute[0].i for n in inner}
    return {
        "planes": outer[0].attribute[0].i,
        "network": TensorProto.FLOAT16 if TensorProto.FLOAT16 in halves else TensorProto.FLOAT,
    }


def written(path: Path, folder: Path, **config: object) -> NDArray[np.uint8]:
    """What the served file makes of two faces."""
    served = build(Checkpoint.open(path), config).served
    served.write_onnx(folder / "served.onnx", {})  # type: ignore[attr-defined]
    found = run_session(session(folder / "served.onnx"), served.outputs, {"face": faces(2)})
    return np.asarray(found["restored"], np.uint8)


def test_pixels_go_in_and_come_out_in_batches(tmp_path: Path) -> None:
    found = written(negative(tmp_path / "GFPGANv1.4.onnx"), tmp_path)
    assert np.abs(found.astype(int) - (255 - faces(2).astype(int))).max() <= 1


@pytest.mark.parametrize("opset", [9, 11, 13, 16, 17, 18])
def test_every_usual_opset_is_taken(opset: int, tmp_path: Path) -> None:
    found = written(negative(tmp_path / "old.onnx", opset=opset), tmp_path)
    assert np.abs(found.astype(int) - (255 - faces(2).astype(int))).max() <= 1


def test_a_network_whose_weights_are_of_one_picture_runs_row_by_row(tmp_path: Path) -> None:
    found = written(modulated(tmp_path / "style.onnx"), tmp_path)
    pixels = faces(2).astype(np.float64) / 127.5 - 1
    means = pixels.mean((1, 2, 3), keepdims=True)
    expected = np.rint((pixels * means + 1) * 127.5)
    assert np.abs(found - expected).max() <= 1


def test_a_batch_is_computed_at_once_where_that_gives_the_same(tmp_path: Path) -> None:
    at_once: Any = build(Checkpoint.open(negative(tmp_path / "plain.onnx")), {})
    looped: Any = build(Checkpoint.open(modulated(tmp_path / "style.onnx")), {})
    assert "Scan" not in operators(at_once.core.model)
    assert operators(looped.core.model) == ["Scan"]
    assert "row by row" in looped.summary
    assert "row by row" not in at_once.summary


def test_what_is_written_is_judged_by_the_file_itself(tmp_path: Path) -> None:
    core: Any = build(Checkpoint.open(negative(tmp_path / "plain.onnx")), {}).core
    core.model = build(Checkpoint.open(modulated(tmp_path / "style.onnx")), {}).core.model  # type: ignore[attr-defined]
    rows = np.full((2, *PICTURE[1:]), 0.5, np.float32)
    assert (core.run({"x": rows})["y"] == -0.5).all()


@pytest.mark.parametrize("make", [negative, modulated])
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_float16_is_inside_the_network_only(make: Make, batch: int, tmp_path: Path) -> None:
    built = build(Checkpoint.open(make(tmp_path / "file.onnx")), {})
    half: Any = in_precision(built, "fp16").served
    half.write_onnx(tmp_path / "half.onnx", {})
    pixels = {"face": faces(batch)}
    found = run_session(session(tmp_path / "half.onnx"), half.outputs, pixels)["restored"]
    exact: Any = built.served.run(pixels)["restored"]
    assert np.abs(found.astype(int) - exact.astype(int)).max() <= 1
    assert precisions(half.model.graph) == {
        "planes": TensorProto.FLOAT,
        "network": TensorProto.FLOAT16,
    }


def test_the_fidelity_becomes_a_constant(tmp_path: Path) -> None:
    found = written(faithful(tmp_path / "codeformer.onnx"), tmp_path, fidelity=0.5)
    expected = (faces(2).astype(np.float64) / 127.5 - 1) * 0.5 * 127.5 + 127.5
    assert np.abs(found - expected).max() <= 1


def test_channels_may_be_the_other_way_round(tmp_path: Path) -> None:
    nodes = [helper.make_node("Mul", ["x", "tint"], ["y"])]
    tint = np.array([0, 1, 1], np.float32).reshape(1, 3, 1, 1)
    path = save(tmp_path / "bgr.onnx", nodes, [constant("tint", tint)])
    found = written(path, tmp_path, order="bgr", input_range=[0, 1])
    assert not found[..., 2].any()  # blue is its first channel
    assert np.array_equal(found[..., 0], faces(2)[..., 0])


@pytest.mark.parametrize("make", [negative, faithful])
def test_it_is_known_by_its_tensors(make: Make, tmp_path: Path) -> None:
    structure = Checkpoint.open(make(tmp_path / "file.onnx")).structure
    assert [f.name for f in families() if f.role and f.recognises(structure)] == ["restoration"]


def test_models_of_other_roles_are_not_taken_for_it() -> None:
    others = [*ROOT.glob("model_repository/*/*/model.onnx"), *GOLDEN.parent.glob("weights/*.onnx")]
    assert others
    assert not [path for path in others if FAMILY.recognises(Structure.read(path))]


def test_a_number_more_than_the_fidelity_is_not_understood(tmp_path: Path) -> None:
    numbers = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "ab"]
    nodes = [helper.make_node("Neg", ["x"], ["y"])]
    path = save(tmp_path / "strange.onnx", nodes, [], more=numbers)
    assert not FAMILY.recognises(Structure.read(path))


def test_operators_of_others_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Sharpen", ["x"], ["y"], domain="com.example")]
    with pytest.raises(InputError, match=r"operator com\.example\.Sharpen"):
        build(Checkpoint.open(save(tmp_path / "foreign.onnx", nodes, [])), {})


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"fidelity": 2}, "fidelity is 2"),
        ({"order": "grb"}, "rgb or bgr"),
        ({"input_range": [1, -1]}, "black and white"),
        ({"colour": 1}, "does not know"),
    ],
)
def test_a_wrong_configuration_is_a_sentence(
    config: dict[str, object], told: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=told):
        build(Checkpoint.open(negative(tmp_path / "file.onnx")), config)


def test_a_network_that_draws_at_random_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("RandomNormalLike", ["x"], ["noise"]),
        helper.make_node("Add", ["x", "noise"], ["y"]),
    ]
    with pytest.raises(InputError, match="would flicker"):
        build(Checkpoint.open(save(tmp_path / "noisy.onnx", nodes, [])), {})


def test_the_command_publishes_it(tmp_path: Path) -> None:
    path = negative(tmp_path / "GFPGANv1.4.onnx")
    arguments = ["restoration", "--checkpoint", path, "--repository", tmp_path / "models"]
    assert main([*map(str, arguments)]) == 0
    assert (tmp_path / "models/face_restoration/1/model.onnx").is_file()
