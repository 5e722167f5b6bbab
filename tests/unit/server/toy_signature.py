"""Inputs and outputs of an ONNX Runtime session, for tests that need no model file."""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.onnxruntime.signature import Signature


@dataclass
class Node:
    name: str
    type: str
    shape: Sequence[int | str | None]


@dataclass
class Session:
    inputs: list[Node]
    outputs: list[Node]
    optional: list[Node]

    def get_inputs(self) -> list[Node]:
        return self.inputs

    def get_overridable_initializers(self) -> list[Node]:
        return self.optional

    def get_outputs(self) -> list[Node]:
        return self.outputs


X = Node("x", "tensor(float)", ["N", 3, "length"])
Y = Node("y", "tensor(uint8)", [None, 2])
SCALE = Node("scale", "tensor(float)", [1])


def signature(inputs: list[Node], outputs: list[Node], optional: Sequence[Node] = ()) -> Signature:
    return Signature.of(Session(inputs, outputs, list(optional)), "model.onnx")
