"""Does an ONNX model fit its Triton configuration? The native backend asks the same at load."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from backends.shared.config import ModelConfig, Tensor

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
}


class Node(Protocol):
    """An input or output of an ONNX Runtime session; extents that vary are text or None."""

    name: str
    type: str
    shape: Sequence[int | str | None]


def check_signature(config: ModelConfig, inputs: Iterable[Node], outputs: Iterable[Node]) -> None:
    """Makes sure that every declared tensor exists with the declared type and shape.

    Raises:
        ValueError: If the model and the configuration disagree; says where and what to do.
    """
    if config.max_batch_size < 1:
        raise ValueError(
            "max_batch_size is 0 in config.pbtxt; export the model with a dynamic first axis and "
            "say how much of it one run may take"
        )
    by_name = {node.name: node for node in inputs}
    undeclared = by_name.keys() - {tensor.name for tensor in config.inputs}
    if undeclared:
        raise ValueError(
            f"{config.file_name} needs inputs that config.pbtxt does not declare "
            f"({', '.join(sorted(undeclared))}); declare them, or export the model without them"
        )
    for tensor in config.inputs:
        _check_tensor(config.file_name, f"input {tensor.name}", tensor, by_name)
    by_name = {node.name: node for node in outputs}
    for tensor in config.outputs:
        _check_tensor(config.file_name, f"output {tensor.name}", tensor, by_name)


def _check_tensor(file_name: str, subject: str, tensor: Tensor, nodes: dict[str, Node]) -> None:
    if tensor.name not in nodes:
        raise ValueError(
            f"config.pbtxt declares {subject}, but {file_name} has only "
            f"{', '.join(sorted(nodes))}; correct the name"
        )
    node = nodes[tensor.name]
    if ONNX_TYPES.get(tensor.data_type) != node.type:
        raise ValueError(
            f"{subject} is {tensor.data_type} in config.pbtxt but {node.type} in "
            f"{file_name}; make them the same"
        )
    _check_shape(file_name, subject, tensor, list(node.shape))


def _check_shape(
    file_name: str, subject: str, tensor: Tensor, shape: list[int | str | None]
) -> None:
    if not shape or isinstance(shape[0], int):
        raise ValueError(
            f"{subject} has no dynamic batch axis in {file_name} ({_text(shape)}); export "
            "the model with a dynamic first axis"
        )
    if not _fits(tensor.dims, shape[1:]):
        raise ValueError(
            f"{subject} has dims {_text(tensor.dims)} in config.pbtxt but {_text(shape[1:])} in "
            f"{file_name}; make them the same"
        )


def _fits(dims: Sequence[int], shape: Sequence[int | str | None]) -> bool:
    if len(dims) != len(shape):
        return False
    return all(not isinstance(n, int) or n == dim for dim, n in zip(dims, shape, strict=True))


def _text(shape: Sequence[int | str | None]) -> str:
    return f"[{', '.join(str(extent) if isinstance(extent, int) else '-1' for extent in shape)}]"
