"""A network of one picture made to take many: ONNX's Scan runs it on one row after another."""

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from export.families.restoration.ports import PICTURE_SHAPE, Ports
from export.half import halved
from export.onnx_network import OnnxNetwork
from export.onnx_wrap import OpenedNetwork

_ROW = "row"
_RESTORED_ROW = "restored_row"
_BATCH = "batch"


class RowByRow(OpenedNetwork):
    """A network that runs on one row of a batch after another."""

    def __init__(self, served: onnx.ModelProto, original: onnx.ModelProto, ports: Ports) -> None:
        """Takes the network for one picture, and what is run as its reference."""
        super().__init__(by_rows(served, ports), original)
        self._served = served
        self._ports = ports

    def in_half(self) -> OnnxNetwork:
        """Returns a copy that computes in float16, inside the loop, too.

        Raises:
            InputError: If this ONNX Runtime cannot convert it.
        """
        # The conversion does not enter loops, so it comes before.
        return OnnxNetwork(by_rows(halved(self._served), self._ports))


def by_rows(model: onnx.ModelProto, ports: Ports) -> onnx.ModelProto:
    """Puts a network into a loop over the batch.

    Some networks cannot take two pictures at once, whatever their declared shapes: the modulated
    convolutions of StyleGAN have weights of their own for every picture, and are exported as one
    convolution whose groups are the pictures. In the loop every row is computed exactly as it
    would be alone.

    Args:
        model: It takes `ports.picture` and gives `ports.restored`, one picture each.
        ports: Their names.

    Returns:
        A model with the same tensors and a batch axis.
    """
    inner = compose.add_prefix(model, "row/")
    body = inner.graph
    picture, restored = body.input[0].name, body.output[0].name
    body.initializer.extend(
        [_shape("row/one_picture", 1, *PICTURE_SHAPE), _shape("row/no_batch", *PICTURE_SHAPE)]
    )
    body.node.insert(0, helper.make_node("Reshape", [_ROW, "row/one_picture"], [picture]))
    body.node.append(helper.make_node("Reshape", [restored, "row/no_batch"], [_RESTORED_ROW]))
    _declare(body.input, _ROW, PICTURE_SHAPE)
    _declare(body.output, _RESTORED_ROW, PICTURE_SHAPE)
    scan = helper.make_node("Scan", [ports.picture], [ports.restored], body=body, num_scan_inputs=1)
    return _replaced(inner, [scan], ports)


def _replaced(model: onnx.ModelProto, nodes: list[onnx.NodeProto], ports: Ports) -> onnx.ModelProto:
    shape = (_BATCH, *PICTURE_SHAPE)
    graph = helper.make_graph(nodes, "rows", [], [])
    _declare(graph.input, ports.picture, shape)
    _declare(graph.output, ports.restored, shape)
    result = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.checker.check_model(result)
    return result


def _declare(values: object, name: str, shape: tuple[int | str, ...]) -> None:
    del values[:]  # type: ignore[attr-defined]
    values.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))  # type: ignore[attr-defined]


def _shape(name: str, *extents: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(extents, np.int64), name)
