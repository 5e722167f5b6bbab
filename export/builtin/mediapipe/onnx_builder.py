"""Writing an ONNX graph node by node, with names that depend on nothing but the order."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
_BATCH = "batch"


class OnnxBuilder:
    """Collects the nodes of one graph with a dynamic batch axis."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._constant_names: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def input(self, name: str, dtype: int, shape: Sequence[int | str]) -> str:
        """Declares an input; `shape` is without the batch axis, a word is a dynamic size."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, [_BATCH, *shape]))
        return name

    def output(self, value: str, name: str, shape: Sequence[int]) -> None:
        """Declares a float32 output; `shape` is without the batch axis."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        info = helper.make_tensor_value_info(name, TensorProto.FLOAT, [_BATCH, *shape])
        self._outputs.append(info)

    def constant(self, values: NDArray[Any]) -> str:
        """Adds an initializer, or finds an equal one, and returns its name."""
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self._constant_names:
            name = f"constant_{len(self._constants)}"
            # Not ascontiguousarray, which would make a vector of a scalar.
            self._constants.append(numpy_helper.from_array(values.copy(order="C"), name))
            self._constant_names[key] = name
        return self._constant_names[key]

    def number(self, value: float) -> str:
        """Adds a float32 scalar and returns its name."""
        return self.constant(np.array(value, np.float32))

    def integers(self, *values: int) -> str:
        """Adds an int64 vector, the type of axes and shapes, and returns its name."""
        return self.constant(np.array(values, np.int64))

    def emit(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node with one output and returns the output's name."""
        return self.emit_many(operator, 1, *inputs, **attributes)[0]

    def emit_many(
        self,
        operator: str,
        outputs: int,
        *inputs: str,
        **attributes: Any,
    ) -> list[str]:
        """Adds a node with several outputs and returns their names."""
        stem = f"{operator.lower()}_{len(self._nodes)}"
        names = [f"{stem}_{i}" if i else stem for i in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names

    def model(self) -> onnx.ModelProto:
        """Returns the checked model."""
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, self._constants
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model
