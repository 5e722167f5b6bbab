"""ONNX files: what they declare, and their weights, which must lie beside them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto

from client.errors import InputError, OutputError
from client.tensors import TensorSpec
from export.inert import TensorInfo

MAX_PROTOBUF_BYTES = 2**31 - 1

_IR_VERSION_FIELD = 0x08
_MAX_IR_VERSION = 30
_MAX_REASON = 300
_TRITON_TYPES = {
    TensorProto.BOOL: "BOOL",
    TensorProto.UINT8: "UINT8",
    TensorProto.INT8: "INT8",
    TensorProto.INT32: "INT32",
    TensorProto.INT64: "INT64",
    TensorProto.FLOAT16: "FP16",
    TensorProto.FLOAT: "FP32",
    TensorProto.DOUBLE: "FP64",
}


@dataclass(frozen=True)
class OnnxTensor:
    """An input or output of a graph.

    Attributes:
        name: Its name.
        datatype: Triton's name of its type, such as "FP32"; what ONNX calls it where this project
            carries no such type.
        shape: Its extents, the batch axis included; -1 where the graph leaves one open.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class OnnxFile:
    """What a graph declares.

    Attributes:
        inputs: What it takes.
        outputs: What it gives.
        initializers: Name to shape and type of its weights.
    """

    inputs: tuple[OnnxTensor, ...]
    outputs: tuple[OnnxTensor, ...]
    initializers: Mapping[str, TensorInfo]


def is_onnx(head: bytes) -> bool:
    """Whether a file that begins so may be ONNX: its first field is a plausible IR version."""
    return len(head) > 1 and head[0] == _IR_VERSION_FIELD and 0 < head[1] <= _MAX_IR_VERSION


def read_onnx(path: Path) -> OnnxFile:
    """Reads what a file declares, without its external data.

    Raises:
        InputError: If it is no ONNX model, or damaged.
    """
    graph = parsed(path).graph
    weights = {tensor.name: _info(tensor) for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    return OnnxFile(tensors(inputs), tensors(graph.output), weights)


def load_onnx(path: Path) -> onnx.ModelProto:
    """Reads a file with all of its weights.

    Raises:
        InputError: If it is damaged, or weights lie outside of its folder or not where it says.
    """
    model = parsed(path)
    external_files(model, path)
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise InputError(
            f"The weights beside {path} cannot be read; copy the whole folder again."
        ) from error
    return model


def external_files(model: onnx.ModelProto, path: Path) -> list[Path]:
    """Returns the files in which a parsed model's weights are, relative to its own folder.

    Raises:
        InputError: If one lies elsewhere, or is not there or not whole.
    """
    found = {
        _external(tensor, path)
        for tensor in _all_tensors(model)
        if onnx.external_data_helper.uses_external_data(tensor)
    }
    return sorted(found)


def parsed(path: Path) -> onnx.ModelProto:
    """Parses a file; its external data stays where it is.

    Raises:
        InputError: If it is no ONNX model, or damaged.
    """
    if path.stat().st_size > MAX_PROTOBUF_BYTES:
        raise InputError(f"{path} is larger than an ONNX file can be (2 GiB); name another file.")
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError, OSError) as error:
        raise InputError(
            f"{path} is cut off or damaged, or no ONNX file: copy it again from where it came."
        ) from error
    if not model.graph.output or not model.opset_import:
        raise InputError(f"{path} is no ONNX model (its graph gives nothing); name another file.")
    return model


def declare(path: Path, inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec]) -> None:
    """States the shapes of a written graph, an open batch axis first, and has ONNX check it.

    Exporters leave extents behind reshapes open, and servers compare them with their configuration.

    Raises:
        OutputError: If ONNX's checker refuses it.
    """
    model = onnx.load(path)
    graph = model.graph
    specs = {spec.name: spec for spec in (*inputs, *outputs)}
    for value in (*graph.input, *graph.output):
        _declare(value, specs[value.name])
    del graph.value_info[:]
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        reason = " ".join(str(error).split())[:_MAX_REASON]
        raise OutputError(f"ONNX's checker refuses the exported graph: {reason}") from error
    onnx.save(model, path)


def _declare(value: Any, spec: TensorSpec) -> None:
    shape = value.type.tensor_type.shape
    del shape.dim[:]
    shape.dim.add().dim_param = "batch"
    for extent in spec.shape:
        shape.dim.add().dim_value = extent


def tensors(values: Iterable[Any]) -> tuple[OnnxTensor, ...]:
    """Returns what inputs or outputs of a graph are declared as."""
    return tuple(_tensor(value) for value in values)


def _tensor(value: Any) -> OnnxTensor:
    declared = value.type.tensor_type
    datatype = _TRITON_TYPES.get(declared.elem_type) or TensorProto.DataType.Name(
        declared.elem_type
    )
    extents = (d.dim_value if d.HasField("dim_value") else -1 for d in declared.shape.dim)
    return OnnxTensor(value.name, datatype, tuple(extents))


def _info(tensor: Any) -> TensorInfo:
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    return TensorInfo(tuple(tensor.dims), dtype.name)


def _external(tensor: Any, path: Path) -> Path:
    where = {entry.key: entry.value for entry in tensor.external_data}
    location = Path(where.get("location", ""))
    folder = path.parent.resolve()
    target = (folder / location).resolve()
    if location.is_absolute() or ".." in location.parts or not target.is_relative_to(folder):
        raise InputError(
            f"{path} takes its weight {tensor.name!r} from {location}, outside of its own folder; "
            "save the model with its weights beside it."
        )
    reach = int(where.get("offset", 0)) + int(where.get("length", 0))
    if not target.is_file() or target.stat().st_size < reach:
        raise InputError(
            f"{path} takes its weights from {location}, which is not there, or not whole: copy it "
            "into the same folder."
        )
    return location


def _all_tensors(model: Any) -> Iterator[Any]:
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        yield from _node_tensors(function.node)


def _graph_tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _node_tensors(graph.node)


def _node_tensors(nodes: Iterable[Any]) -> Iterator[Any]:
    for attribute in (attribute for node in nodes for attribute in node.attribute):
        yield attribute.t
        yield from attribute.tensors
        for graph in (attribute.g, *attribute.graphs):
            yield from _graph_tensors(graph)
