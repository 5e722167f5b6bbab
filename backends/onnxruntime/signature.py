"""Does an ONNX model fit its Triton configuration? The native backend asks the same at load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from backends.shared.config import ModelConfig, Tensor

STRINGS = "tensor(string)"
ONNX_TYPES = {
    "TYPE_BOOL": "tensor(bool)",
    "TYPE_UINT8": "tensor(uint8)",
    "TYPE_UINT16": "tensor(uint16)",
    "TYPE_UINT32": "tensor(uint32)",
    "TYPE_UINT64": "tensor(uint64)",
    "TYPE_INT8": "tensor(int8)",
    "TYPE_INT16": "tensor(int16)",
    "TYPE_INT32": "tensor(int32)",
    "TYPE_INT64": "tensor(int64)",
    "TYPE_FP16": "tensor(float16)",
    "TYPE_FP32": "tensor(float)",
    "TYPE_FP64": "tensor(double)",
    "TYPE_STRING": STRINGS,
}

Nodes = Mapping[str, "Node"]


class Node(Protocol):
    """An input or output of an ONNX Runtime session; extents that vary are text or None."""

    name: str
    type: str
    shape: Sequence[int | str | None]


class Session(Protocol):
    """What of an ONNX Runtime session says how its model looks from outside."""

    def get_inputs(self) -> Sequence[Node]:
        """Inputs that every run needs."""

    def get_overridable_initializers(self) -> Sequence[Node]:
        """Inputs that have a value of their own."""

    def get_outputs(self) -> Sequence[Node]:
        """Outputs."""


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of a model file.

    Attributes:
        file_name: For sentences about it.
        inputs: Those that every run needs.
        optional: Inputs that have a value of their own.
        outputs: Outputs.
    """

    file_name: str
    inputs: Nodes
    optional: Nodes
    outputs: Nodes

    @classmethod
    def of(cls, session: Session, file_name: str) -> Self:
        """Reads the signature of a session.

        Raises:
            ValueError: If an input or output is no tensor.
        """
        groups = (
            session.get_inputs(),
            session.get_overridable_initializers(),
            session.get_outputs(),
        )
        for node in (node for group in groups for node in group):
            if not node.type.startswith("tensor("):
                raise ValueError(
                    f"{node.name} of {file_name} is {node.type}; export the model so that every "
                    "input and output is a tensor"
                )
        return cls(file_name, *({node.name: node for node in group} for group in groups))


def extents(node: Node) -> list[int]:
    """Returns the shape of a node with -1 for what varies."""
    return [extent if isinstance(extent, int) else -1 for extent in node.shape]


def check_signature(config: ModelConfig, signature: Signature) -> None:
    """Makes sure that every declared tensor exists with the declared type and shape.

    Raises:
        ValueError: If the model and the configuration disagree; says where and what to do.
    """
    _check_needed(config, signature)
    candidates = {**signature.inputs, **signature.optional}
    for tensor in config.inputs:
        where = _Place(signature.file_name, f"input {tensor.name}", config.is_batched)
        _check_optional(tensor, signature, where)
        # A fixed extent may meet one that varies in the model: the model takes it.
        _check_tensor(tensor, candidates, where, exact=False)
    for tensor in config.outputs:
        where = _Place(signature.file_name, f"output {tensor.name}", config.is_batched)
        _check_tensor(tensor, signature.outputs, where, exact=True)


@dataclass(frozen=True)
class _Place:
    """What a sentence is about."""

    file_name: str
    subject: str
    is_batched: bool


def _check_needed(config: ModelConfig, signature: Signature) -> None:
    undeclared = signature.inputs.keys() - {tensor.name for tensor in config.inputs}
    if undeclared:
        raise ValueError(
            f"{signature.file_name} needs inputs that config.pbtxt does not declare "
            f"({', '.join(sorted(undeclared))}); declare them, or export the model without them"
        )


def _check_optional(tensor: Tensor, signature: Signature, where: _Place) -> None:
    if tensor.optional and where.is_batched:
        raise ValueError(
            f"{where.subject} is optional in config.pbtxt, which needs max_batch_size: 0; make "
            "the input or the batch go"
        )
    if tensor.optional and tensor.name in signature.inputs:
        raise ValueError(
            f"{where.subject} is optional in config.pbtxt, but {where.file_name} has no value of "
            "its own for it; export the model with one"
        )
    if not tensor.optional and tensor.name in signature.optional:
        raise ValueError(
            f"{where.subject} has a value of its own in {where.file_name}; declare it with "
            "optional: true, or leave it out of config.pbtxt"
        )


def _check_tensor(tensor: Tensor, nodes: Nodes, where: _Place, *, exact: bool) -> None:
    if tensor.name not in nodes:
        raise ValueError(
            f"config.pbtxt declares {where.subject}, but {where.file_name} has only "
            f"{', '.join(sorted(nodes))}; correct the name"
        )
    node = nodes[tensor.name]
    _check_type(tensor, node, where)
    if node.shape:
        _check_shape(tensor, extents(node), where, exact=exact)
    elif any(extent != 1 for extent in tensor.dims):
        raise ValueError(
            f"{where.subject} is a single number in {where.file_name} but has dims "
            f"{list(tensor.dims)} in config.pbtxt; write dims: [ 1 ]"
        )


def _check_type(tensor: Tensor, node: Node, where: _Place) -> None:
    if tensor.data_type not in ONNX_TYPES:
        raise ValueError(
            f"{where.subject} is {tensor.data_type} in config.pbtxt, which Triton 24.10 does not "
            f"serve from ONNX; it can be {', '.join(ONNX_TYPES)}"
        )
    if ONNX_TYPES[tensor.data_type] != node.type:
        raise ValueError(
            f"{where.subject} is {tensor.data_type} in config.pbtxt but {node.type} in "
            f"{where.file_name}; make them the same"
        )


def _check_shape(tensor: Tensor, shape: list[int], where: _Place, *, exact: bool) -> None:
    if where.is_batched and shape[0] != -1:
        raise ValueError(
            f"{where.subject} has no dynamic batch axis in {where.file_name} ({shape}); export "
            "the model with a dynamic first axis, or write max_batch_size: 0"
        )
    own = shape[1:] if where.is_batched else shape
    if not _fits(tensor.dims, own, exact=exact):
        raise ValueError(
            f"{where.subject} has dims {list(tensor.dims)} in config.pbtxt but {own} in "
            f"{where.file_name}; make them the same"
        )


def _fits(dims: Sequence[int], shape: Sequence[int], *, exact: bool) -> bool:
    if len(dims) != len(shape):
        return False
    pairs = zip(dims, shape, strict=True)
    return all(dim == extent or (extent == -1 and not exact) for dim, extent in pairs)
