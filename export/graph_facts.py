"""What an ONNX graph holds: its constants, its nodes by what they give, its shapes."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, shape_inference

Shapes = dict[str, tuple[int | None, ...]]


def without_weights(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """Returns the inputs that are no weights; files before IR version 4 list those, too."""
    weights = {weight.name for weight in graph.initializer}
    return [value for value in graph.input if value.name not in weights]


def constants_of(graph: onnx.GraphProto) -> dict[str, NDArray[np.generic]]:
    """Returns weights and the values of Constant nodes, by name."""
    found = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                found[node.output[0]] = numpy_helper.to_array(attribute.t)
    return found


def producers_of(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """Returns the node that gives a value, by the value's name."""
    return {name: node for node in graph.node for name in node.output}


def shapes_at_one(model: onnx.ModelProto) -> Shapes:
    """Returns the shapes inside a graph for a batch of 1, as far as they can be told."""
    single = onnx.ModelProto()
    single.CopyFrom(model)
    del single.graph.value_info[:]
    inputs = without_weights(single.graph)
    for value in inputs:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    for output in single.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(single, data_prop=True).graph
    known = (*inputs, *inferred.value_info, *inferred.output)
    return {value.name: extents(value) for value in known}


def extents(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    """Returns a declared shape, the batch axis included; None where an extent is open."""
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)
