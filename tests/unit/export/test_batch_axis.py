"""A network exported for one picture takes any number of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from client.errors import InputError
from export.batch_axis import dynamic_batch
from export.onnx_network import session

SIDE, CHANNELS = 4, 6
SCRFD = Path(__file__).parents[4] / "shared" / "weights" / "scrfd_2.5g_kps.onnx"


def network(
    nodes: Sequence[onnx.NodeProto],
    given: Sequence[int | str],
    *,
    taken: Sequence[int | str] = (1, CHANNELS, SIDE, SIDE),
    **constants: NDArray[np.generic],
) -> onnx.ModelProto:
    """A graph from `x` to `y` as an exporter writes it that saw one picture."""
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, taken)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, given)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def head(perm: Sequence[int], *target: int, given: Sequence[int]) -> onnx.ModelProto:
    """The end of a detector: channels last, then one row for every anchor."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["last"], perm=perm),
        helper.make_node("Reshape", ["last", "target"], ["rows"]),
        helper.make_node("Sigmoid", ["rows"], ["y"]),
    ]
    return network(nodes, given, target=ints(*target))


def run(model: onnx.ModelProto, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    opened = session(model.SerializeToString())
    found: NDArray[np.float32] = opened.run(None, {"x": pictures})[0]
    return found


def pictures(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(3).random((count, CHANNELS, SIDE, SIDE), np.float32)


def declared(value: onnx.ValueInfoProto) -> list[int | str]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def assert_rows_are_apart(original: onnx.ModelProto, rows: Sequence[int]) -> None:
    """Three pictures at once give what each gives alone, and the graph says so."""
    widened = dynamic_batch(original)
    given = pictures(3)
    alone = [run(original, given[i : i + 1]).reshape(rows) for i in range(3)]
    assert np.array_equal(run(widened, given), np.stack(alone))
    assert declared(widened.graph.input[0])[0] == "batch"
    assert declared(widened.graph.output[0]) == ["batch", *rows]


def test_a_head_that_is_reshaped_to_one_picture() -> None:
    original = head((0, 2, 3, 1), 1, -1, 3, given=(1, 32, 3))
    assert_rows_are_apart(original, (32, 3))


def test_a_head_without_a_batch_axis_gets_one() -> None:
    original = head((0, 2, 3, 1), -1, 3, given=(32, 3))
    assert_rows_are_apart(original, (32, 3))


def test_a_head_whose_extents_were_all_made_constant() -> None:
    original = head((0, 2, 3, 1), 32, 3, given=(32, 3))
    assert_rows_are_apart(original, (32, 3))


def test_a_head_that_moves_the_batch_axis_inwards() -> None:
    """As older exports of InsightFace do: height, width, batch, channels."""
    original = head((2, 3, 0, 1), -1, 3, given=(32, 3))
    assert_rows_are_apart(original, (32, 3))


def test_a_target_put_together_while_running() -> None:
    nodes = [
        helper.make_node("Concat", ["one", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    original = network(nodes, (1, 96), one=ints(1), rest=ints(-1))
    assert_rows_are_apart(original, (96,))


def test_a_flattened_picture_stays_one_row() -> None:
    nodes = [helper.make_node("Reshape", ["x", "target"], ["y"])]
    assert_rows_are_apart(network(nodes, (1, 96), target=ints(-1, 96)), (96,))


def test_a_resize_to_constant_sizes() -> None:
    nodes = [
        helper.make_node(
            "Resize",
            ["x", "none", "none", "sizes"],
            ["y"],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
    ]
    sizes, none = ints(1, CHANNELS, 8, 8), np.zeros(0, np.float32)
    original = network(nodes, (1, CHANNELS, 8, 8), none=none, sizes=sizes)
    assert_rows_are_apart(original, (CHANNELS, 8, 8))


def test_shapes_told_of_the_inside_are_dropped() -> None:
    original = head((0, 2, 3, 1), 1, -1, 3, given=(1, 32, 3))
    inside = helper.make_tensor_value_info("rows", TensorProto.FLOAT, (1, 32, 3))
    original.graph.value_info.append(inside)
    assert_rows_are_apart(original, (32, 3))


def test_a_network_that_is_open_already_stays_as_it_is() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    shape = ("n", CHANNELS, SIDE, SIDE)
    assert_rows_are_apart(network(nodes, shape, taken=shape), (CHANNELS, SIDE, SIDE))


def test_the_original_is_left_alone() -> None:
    original = head((2, 3, 0, 1), -1, 3, given=(32, 3))
    before = original.SerializeToString()
    dynamic_batch(original)
    assert original.SerializeToString() == before


def test_pictures_that_meet_are_refused() -> None:
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    with pytest.raises(InputError, match="other numbers for two pictures at once"):
        dynamic_batch(network(nodes, (1, CHANNELS, SIDE, SIDE)))


def test_a_network_that_cannot_be_opened_is_refused() -> None:
    nodes = [
        helper.make_node("Unsqueeze", ["x"], ["deep"], axes=[0]),
        helper.make_node("Squeeze", ["deep"], ["y"], axes=[0, 1]),
    ]
    with pytest.raises(InputError, match="its batch axis cannot be opened"):
        dynamic_batch(network(nodes, (CHANNELS, SIDE, SIDE)))


def test_other_open_extents_are_refused() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    shape = (1, CHANNELS, "h", "w")
    with pytest.raises(InputError, match="extents of x open besides the batch"):
        dynamic_batch(network(nodes, shape, taken=shape))


@pytest.mark.skipif(not SCRFD.exists(), reason="no detector of InsightFace at hand")
def test_a_real_detector_takes_four_pictures() -> None:
    original = onnx.load(SCRFD)
    widened = session(dynamic_batch(original).SerializeToString())
    alone = session(original.SerializeToString())
    given = np.random.default_rng(5).uniform(-1, 1, (4, 3, 640, 640)).astype(np.float32)
    together = widened.run(None, {"images": given})
    for i in range(4):
        by_itself = alone.run(None, {"images": given[i : i + 1]})
        for found, expected in zip(together, by_itself, strict=True):
            assert np.abs(found[i] - expected[0]).max() < 1e-5
