"""An ONNX file brought to one picture in, one picture out, and to an opset that servers read."""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper, version_converter

from client.errors import InputError
from client.tensors import NUMPY_TYPES
from export.families.restoration.ports import Ports
from export.structure import OnnxTensor

# From 11 on Clip and Round are what the pixels around the network need; 17 is the newest that
# ONNX Runtime 1.19 and the project's other models agree on.
_OLDEST_OPSET = 11
_RAISED_OPSET = 13
_NEWEST_OPSET = 17
_IR_VERSIONS = (8, 9)

_RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")


def single_picture(model: onnx.ModelProto, ports: Ports, fidelity: float) -> onnx.ModelProto:
    """Copies a network so that it takes a picture and gives a picture and nothing else.

    Args:
        model: The file.
        ports: Its tensors that matter.
        fidelity: Becomes a constant in the place of that input, if there is one.

    Raises:
        InputError: If it has operators of others than ONNX, or draws at random.
    """
    _refuse_foreign_operators(model)
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    oldest, newest = _IR_VERSIONS
    copied.ir_version = min(max(copied.ir_version, oldest), newest)
    graph = copied.graph
    if ports.fidelity is not None:
        graph.initializer.append(_constant(ports.fidelity, fidelity))
    _keep_only(graph.input, ports.picture)
    _keep_only(graph.output, ports.restored)
    _drop_unused(graph)
    _refuse_chance(graph)
    return copied


def opset_of(model: onnx.ModelProto) -> int:
    """Returns the version of the standard operators that a model uses."""
    return next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)


def at_served_opset(model: onnx.ModelProto) -> onnx.ModelProto:
    """Returns the model with an opset that servers read; itself, if it has one.

    Raises:
        InputError: If onnx cannot convert it.
    """
    opset = opset_of(model)
    if opset < _OLDEST_OPSET:
        return _converted(model, _RAISED_OPSET)
    return _converted(model, _NEWEST_OPSET) if opset > _NEWEST_OPSET else model


def _converted(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    try:
        return version_converter.convert_version(model, opset)
    except Exception as error:  # the converter raises RuntimeError and its own kinds
        raise InputError(
            f"The file has opset {opset_of(model)}, and onnx cannot bring it to {opset}; "
            f"export it again with an opset from {_OLDEST_OPSET} to {_NEWEST_OPSET}."
        ) from error


def _refuse_foreign_operators(model: onnx.ModelProto) -> None:
    for node in all_nodes(model.graph):
        if node.domain not in ("", "ai.onnx"):
            raise InputError(
                f"The file uses the operator {node.domain}.{node.op_type}, which is none of "
                "ONNX's own; export it again without it."
            )


def _refuse_chance(graph: onnx.GraphProto) -> None:
    for node in all_nodes(graph):
        if node.op_type in _RANDOM:
            raise InputError(
                f"The file draws at random ({node.op_type} {node.name}), so that every picture of "
                "a film would flicker; export it again with fixed noise (randomize_noise=False)."
            )


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yields the nodes of a graph and of the graphs inside its nodes."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from all_nodes(attribute.g)


def _constant(spec: OnnxTensor, value: float) -> onnx.TensorProto:
    shape = [1] * len(spec.shape)
    dtype = NUMPY_TYPES[spec.datatype]
    return numpy_helper.from_array(np.full(shape, value, dtype), spec.name)


def _keep_only(values: object, name: str) -> None:
    kept = [value for value in values if value.name == name]  # type: ignore[attr-defined]
    del values[:]  # type: ignore[attr-defined]
    values.extend(kept)  # type: ignore[attr-defined]


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Removes what no output needs; nodes are in topological order, as ONNX wants them."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(_reads(node))
    del graph.node[:]
    graph.node.extend(reversed(kept))
    used = [constant for constant in graph.initializer if constant.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(used)
    del graph.value_info[:]  # it may state extents that change


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            for inner in all_nodes(attribute.g):
                yield from inner.input
            yield from (output.name for output in attribute.g.output)
