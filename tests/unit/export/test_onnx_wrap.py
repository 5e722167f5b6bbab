"""A network inside a served graph: brought to its operators, and the only part in float16."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from client.errors import InputError
from export.builtin.mediapipe.onnx_builder import OPSET
from export.onnx_network import OnnxNetwork
from export.onnx_wrap import OpenedNetwork, WrappedNetwork, WrappingBuilder, at_served_opset

SMALL = np.float32(1e-4)


def network(*nodes: onnx.NodeProto, opset: int = 11, **constants: object) -> onnx.ModelProto:
    shape = ("batch", 1, 4, 4)
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", 1, "h", "w"))],
        [numpy_helper.from_array(np.array(v), name) for name, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("mine", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=6)


def resize() -> onnx.ModelProto:
    node = helper.make_node("Resize", ["x", "none", "none", "sizes"], ["y"], mode="nearest")
    sizes = np.array([1, 1, 8, 8], np.int64)
    return network(node, none=np.zeros(0, np.float32), sizes=sizes)


def small_added() -> onnx.ModelProto:
    return network(helper.make_node("Add", ["x", "small"], ["y"]), opset=OPSET, small=SMALL)


def with_small(core: onnx.ModelProto) -> onnx.ModelProto:
    """The network's sum, and the same sum made outside of it."""
    builder = WrappingBuilder("toy")
    x = builder.input("x", TensorProto.FLOAT, [1, 4, 4])
    (inside,) = builder.embed(core, [x])
    builder.output(inside, "inside", [1, 4, 4])
    builder.output(builder.emit("Add", x, builder.number(float(SMALL))), "outside", [1, 4, 4])
    return builder.model()


def test_older_operators_become_those_of_the_served_graph() -> None:
    original = network(helper.make_node("Softmax", ["x"], ["y"], axis=1))
    converted = at_served_opset(original)
    x = np.random.default_rng(0).random((1, 1, 4, 4), np.float32)
    assert next(o.version for o in converted.opset_import if not o.domain) == OPSET
    found, expected = (
        np.asarray(OnnxNetwork(model).run({"x": x})["y"], np.float32)
        for model in (converted, original)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_empty_inputs_of_resize_are_left_out() -> None:
    converted = at_served_opset(resize())
    (node,) = (node for node in converted.graph.node if node.op_type == "Resize")
    assert list(node.input) == ["x", "", "", "sizes"]


def test_a_network_with_resize_has_a_float16_form() -> None:
    x = np.ones((1, 1, 4, 4), np.float32)
    halved = OnnxNetwork(at_served_opset(resize())).in_half()
    np.testing.assert_array_equal(halved.run({"x": x})["y"], np.ones((1, 1, 8, 8)))


def test_operators_of_others_are_refused() -> None:
    with pytest.raises(InputError, match="operators of mine"):
        at_served_opset(network(helper.make_node("Own", ["x"], ["y"], domain="mine")))


def test_only_the_network_inside_computes_in_float16() -> None:
    """By its weights: ONNX Runtime's processor kernels may compute in float32 all the same."""
    whole = WrappedNetwork(OnnxNetwork(small_added()), with_small)
    types = [weight.data_type for weight in whole.in_half().model.graph.initializer]
    assert sorted(types) == [TensorProto.FLOAT, TensorProto.FLOAT16]
    x = np.ones((2, 1, 4, 4), np.float32)
    np.testing.assert_array_equal(whole.run({"x": x})["inside"], x + SMALL)
    np.testing.assert_array_equal(whole.run({"x": x})["outside"], x + SMALL)


def test_an_opened_network_is_judged_by_the_file_it_comes_from() -> None:
    wrong = network(helper.make_node("Neg", ["x"], ["y"]), opset=OPSET)
    x = np.random.default_rng(1).random((3, 1, 4, 4), np.float32)
    found = OpenedNetwork(wrong, small_added()).run({"x": x})["y"]
    np.testing.assert_array_equal(found, x + SMALL)
