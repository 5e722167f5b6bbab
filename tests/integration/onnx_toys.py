"""ONNX graphs and configurations for tests of the `onnxruntime` backend, made in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]
Shape = Sequence[int | str]
Tensors = Mapping[str, Shape]

FILE = "1/model.onnx"
TYPES = {
    "TYPE_FP32": TensorProto.FLOAT,
    "TYPE_INT64": TensorProto.INT64,
    "TYPE_STRING": TensorProto.STRING,
    "TYPE_BF16": TensorProto.BFLOAT16,
}


@dataclass(frozen=True, kw_only=True)
class Graph:
    """An ONNX graph.

    Attributes:
        inputs: Shapes by name; text and None are extents that vary.
        outputs: The same.
        constants: Values by name.
        defaults: Which constants are inputs, too, so that a request may give another value.
        data_type: Type of every input and output.
    """

    nodes: Sequence[onnx.NodeProto]
    inputs: Tensors
    outputs: Tensors
    constants: Mapping[str, Array] = field(default_factory=dict)
    defaults: Sequence[str] = ()
    data_type: str = "TYPE_FP32"
    opset: int = 17
    ir_version: int = 9

    def file(self) -> bytes:
        """The graph as the content of a model file."""
        defaults = {name: list(self.constants[name].shape) for name in self.defaults}
        graph = helper.make_graph(
            self.nodes,
            "toy",
            self._values({**self.inputs, **defaults}),
            self._values(self.outputs),
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("toy", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=self.ir_version)
        return bytes(model.SerializeToString())

    def config(self, max_batch_size: int = 8) -> dict[str, Any]:
        """A whole configuration that fits the graph; one instance on the CPU, no accelerators."""
        skip = 1 if max_batch_size else 0
        return {
            "backend": "onnxruntime",
            "max_batch_size": max_batch_size,
            "input": [self._entry(name, shape[skip:]) for name, shape in self.inputs.items()],
            "output": [self._entry(name, shape[skip:]) for name, shape in self.outputs.items()],
            "instance_group": [{"count": 1, "kind": "KIND_CPU"}],
        }

    def _values(self, tensors: Tensors) -> list[onnx.ValueInfoProto]:
        kind = TYPES[self.data_type]
        return [helper.make_tensor_value_info(name, kind, shape) for name, shape in tensors.items()]

    def _entry(self, name: str, shape: Shape) -> dict[str, Any]:
        dims = [extent if isinstance(extent, int) else -1 for extent in shape]
        return {"name": name, "data_type": self.data_type, "dims": dims}


def parameters(**values: str) -> dict[str, Any]:
    """The `parameters` of a configuration."""
    return {"parameters": {name: {"string_value": value} for name, value in values.items()}}


ECHO = Graph(
    nodes=[helper.make_node("Identity", ["x"], ["y"])],
    inputs={"x": ["N", 4]},
    outputs={"y": ["N", 4]},
)


def scaled(operator: str, width: float, scale: float) -> Graph:
    """A product of two factors that overflows between them, unless they are joined first."""
    axes: list[int | str] = ["N", 1, 1, 1] if operator == "Conv" else ["N", 1]
    weight = np.full([1] * len(axes), width, np.float32)
    first, second = ("x", "c") if operator == "Conv" else ("c", "x")
    nodes = [
        helper.make_node(operator, [first, "weight"], ["c" if operator == "Conv" else "y"]),
        helper.make_node("Mul", [second, "scale"], ["y" if operator == "Conv" else "c"]),
    ]
    ordered = nodes if operator == "Conv" else nodes[::-1]
    constants = {"weight": weight, "scale": np.full([1] * (len(axes) - 1), scale, np.float32)}
    return Graph(nodes=ordered, inputs={"x": axes}, outputs={"y": axes}, constants=constants)


def work(megabytes: int) -> Graph:
    """A row of one number, blown up to this size and brought down to one number again."""
    nodes = [
        helper.make_node("Expand", ["x", "shape"], ["wide"]),
        helper.make_node("Add", ["wide", "wide"], ["twice"]),
        helper.make_node("Cos", ["twice"], ["wave"]),
        helper.make_node("ReduceMean", ["wave"], ["y"], axes=[1]),
    ]
    shape = np.array([1, megabytes << 18], np.int64)
    column: Tensors = {"x": ["N", 1]}
    return Graph(nodes=nodes, inputs=column, outputs={"y": ["N", 1]}, constants={"shape": shape})
