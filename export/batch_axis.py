"""Networks exported for one picture, made to take any number of them."""

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, helper, numpy_helper

from export.batch_proof import declare_outputs
from export.graph_facts import constants_of, producers_of, shapes_at_one, without_weights

BATCH = "batch"

_OLDEST_IR_WITH_FREE_WEIGHTS = 4


def dynamic_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """Returns a copy of a network whose first axis is a batch of any size.

    Exporters write the one picture that they saw into three places: the declared extents, constant
    targets of Reshape, and constant sizes of Resize. A Reshape to (1, ...) keeps axis 0 instead;
    one to (-1, C), which would join the rows of all pictures, becomes (0, -1, C); a Transpose
    before either that moves the batch axis inwards leaves it in front, which changes nothing in
    the order of one picture's numbers; a Resize to constant sizes becomes one by factors.

    Args:
        model: Axis 0 of all inputs is the batch, fixed to 1 or open; every other extent is fixed.

    Returns:
        The same network; axis 0 of all inputs and outputs is called "batch", and outputs [A,C]
        without a batch axis have become [batch,A,C].

    Raises:
        InputError: If two pictures at once do not give what they give one by one.
    """
    widened = onnx.ModelProto()
    widened.CopyFrom(model)
    widened.ir_version = max(widened.ir_version, _OLDEST_IR_WITH_FREE_WEIGHTS)
    _Widening(widened.graph, shapes_at_one(model)).apply()
    del widened.graph.value_info[:]
    for value in without_weights(widened.graph):
        _open_first(value)
    for output in widened.graph.output:
        output.type.tensor_type.ClearField("shape")
    declare_outputs(widened, model, BATCH)
    return widened


class _Widening:
    """Rewrites the nodes of one graph in place."""

    def __init__(
        self, graph: onnx.GraphProto, shapes: Mapping[str, tuple[int | None, ...]]
    ) -> None:
        self._graph = graph
        self._shapes = shapes
        self._constants = constants_of(graph)
        self._producers = producers_of(graph)

    def apply(self) -> None:
        for node in self._graph.node:
            if node.op_type == "Reshape":
                self._widen_reshape(node)
            elif node.op_type == "Resize":
                self._scale_resize(node)

    def _widen_reshape(self, node: onnx.NodeProto) -> None:
        target = self._target(node)
        if target is None or node.input[0] in self._constants:
            return
        if target[0] == 1:
            per_picture = target[1:]
        elif self._joins_rows(node, target):
            per_picture = target
        else:
            return
        if self._has_batch_first(node.input[0]):
            node.input[1] = self._constant([0, *per_picture])

    def _target(self, node: onnx.NodeProto) -> list[int] | None:
        """The constant target; of one put together while running, as far as it begins with 1."""
        if node.input[1] in self._constants:
            return [int(extent) for extent in self._constants[node.input[1]].reshape(-1)] or None
        joined = self._producers.get(node.input[1])
        if joined is None or joined.op_type != "Concat":
            return None
        first = self._constants.get(joined.input[0])
        if first is not None and first.reshape(-1).tolist() == [1]:
            joined.input[0] = self._constant([0])
        return None

    def _joins_rows(self, node: onnx.NodeProto, target: list[int]) -> bool:
        """Whether [-1,C] makes many rows of one picture, and not one row of a flattened one."""
        rows = self._first(node.output[0])
        return len(target) == 2 and target[0] != 0 and rows is not None and rows > 1

    def _has_batch_first(self, name: str) -> bool:
        """Whether axis 0 of a value is the batch; a Transpose that moves it away is mended."""
        node = self._producers.get(name)
        if node is not None and node.op_type == "Transpose":
            if self._first(node.input[0]) not in (1, None):
                return False
            for attribute in node.attribute:
                _set(attribute, [0, *(axis for axis in attribute.ints if axis != 0)])
            return True
        return self._first(name) in (1, None)

    def _first(self, name: str) -> int | None:
        return (self._shapes.get(name) or (None,))[0]

    def _scale_resize(self, node: onnx.NodeProto) -> None:
        sizes = self._constants.get(node.input[3]) if len(node.input) > 3 else None
        extents = self._shapes.get(node.input[0])
        if sizes is None or extents is None or None in extents:
            return
        factors = [float(size) / float(was or 1) for size, was in zip(sizes, extents, strict=True)]
        del node.input[3]
        node.input[2] = self._add(np.array([1.0, *factors[1:]], np.float32))

    def _constant(self, values: Iterable[int]) -> str:
        return self._add(np.array([*values], np.int64))

    def _add(self, values: NDArray[np.generic]) -> str:
        name = f"any_batch_{len(self._graph.initializer)}"
        self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name


def _set(attribute: AttributeProto, values: list[int]) -> None:
    attribute.CopyFrom(helper.make_attribute(attribute.name, values))


def _open_first(value: onnx.ValueInfoProto) -> None:
    value.type.tensor_type.shape.dim[0].dim_param = BATCH
