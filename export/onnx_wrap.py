"""Served models made around an ONNX network: pixels before it, decoding behind it."""

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import compose, version_converter

from client.errors import InputError
from export.batch_proof import one_by_one
from export.builtin.mediapipe.onnx_builder import OPSET, OnnxBuilder
from export.family import Arrays
from export.graph_facts import constants_of, without_weights
from export.onnx_network import OnnxNetwork

_PREFIX = "network/"


class WrappingBuilder(OnnxBuilder):
    """Writes a graph with a finished network inside."""

    def embed(self, core: onnx.ModelProto, inputs: Sequence[str]) -> list[str]:
        """Adds a network.

        Args:
            core: A network of `OPSET` with a batch axis.
            inputs: Names of what it takes, in its own order.

        Returns:
            Names of what it gives, in its own order.
        """
        graph = compose.add_prefix(core, _PREFIX).graph
        taken = [value.name for value in without_weights(graph)]
        for given, wanted in zip(inputs, taken, strict=True):
            self._nodes.append(onnx.helper.make_node("Identity", [given], [wanted]))
        self._nodes.extend(graph.node)
        self._constants.extend(graph.initializer)
        return [output.name for output in graph.output]


class WrappedNetwork(OnnxNetwork):
    """A served model, of which only the network inside may compute in float16."""

    def __init__(
        self, core: OnnxNetwork, wrap: Callable[[onnx.ModelProto], onnx.ModelProto]
    ) -> None:
        """Takes the network inside and what puts the rest around it."""
        super().__init__(wrap(core.model))
        self._core = core
        self._wrap = wrap

    def in_half(self) -> OnnxNetwork:
        """Returns a copy whose network inside computes in float16.

        Raises:
            InputError: If this ONNX Runtime cannot convert it.
        """
        return OnnxNetwork(self._wrap(self._core.in_half().model))


class OpenedNetwork(OnnxNetwork):
    """A network whose batch axis was opened, judged by the original for one picture."""

    def __init__(self, opened: onnx.ModelProto, original: onnx.ModelProto) -> None:
        """Takes what is written and what is run as the reference."""
        super().__init__(opened)
        self._original = original

    def run(self, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
        """Runs the original for every row by itself."""
        return one_by_one(self._original, arrays)


def at_served_opset(model: onnx.ModelProto) -> onnx.ModelProto:
    """Returns a copy of a network with the operators that the rest of the graph has.

    Raises:
        InputError: If ONNX cannot bring it there.
    """
    found = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
    foreign = sorted({node.domain for node in model.graph.node} - {"", "ai.onnx"})
    if foreign:
        raise InputError(
            f"The network has operators of {', '.join(foreign)}, which servers do not have; "
            "export it again with ONNX's own."
        )
    try:
        converted = version_converter.convert_version(model, OPSET)
    except Exception as error:  # the converter raises RuntimeError and its own kinds
        raise InputError(
            f"The network has opset {found}, and onnx cannot bring it to {OPSET}; export it again "
            f"with opset {OPSET}."
        ) from error
    _leave_out_empty(converted.graph)
    return converted


def _leave_out_empty(graph: onnx.GraphProto) -> None:
    """Leaves out inputs of Resize that exporters wrote as constants without numbers.

    They are the same as none until something is put before them, as float16 puts its casts.
    """
    empty = {name for name, values in constants_of(graph).items() if values.size == 0}
    for node in graph.node:
        if node.op_type == "Resize":
            node.input[:] = ["" if name in empty else name for name in node.input]
