"""An ONNX file, read without its external data and without ONNX Runtime."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto

from orchestrator.validation.files import Read, UnreadableError, in_bytes, read_bytes, unreadable
from orchestrator.validation.finding import Finding, error

if TYPE_CHECKING:
    from orchestrator.validation.repository import Network

MAX_BYTES = 2**31 - 1  # protobuf's own limit
OWN_DOMAINS = ("", "ai.onnx")

TRITON_TYPES = {
    TensorProto.BOOL: "BOOL",
    TensorProto.UINT8: "UINT8",
    TensorProto.UINT16: "UINT16",
    TensorProto.UINT32: "UINT32",
    TensorProto.UINT64: "UINT64",
    TensorProto.INT8: "INT8",
    TensorProto.INT16: "INT16",
    TensorProto.INT32: "INT32",
    TensorProto.INT64: "INT64",
    TensorProto.FLOAT16: "FP16",
    TensorProto.BFLOAT16: "BF16",
    TensorProto.FLOAT: "FP32",
    TensorProto.DOUBLE: "FP64",
    TensorProto.STRING: "STRING",
}


@dataclass(frozen=True)
class Node:
    """An input or output of the graph.

    Attributes:
        datatype: Triton's name of its type; what ONNX calls it where Triton has none.
        shape: Its extents, None where they vary; None where the file does not say.
    """

    name: str
    datatype: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        """Writes it as `x FP32 [-1, 4]`."""
        if self.shape is None:
            return f"{self.name} {self.datatype} of no stated shape"
        return f"{self.name} {self.datatype} {[-1 if n is None else n for n in self.shape]}"


@dataclass(frozen=True)
class OnnxFile:
    """A parsed file."""

    model: Any

    @property
    def opset(self) -> int | None:
        """Version of ONNX's own operators; None where the file does not say."""
        versions = [o.version for o in self.model.opset_import if o.domain in OWN_DOMAINS]
        return int(versions[0]) if versions else None

    @property
    def ir_version(self) -> int:
        """Version of the file format."""
        return int(self.model.ir_version)

    @cached_property
    def inputs(self) -> dict[str, Node]:
        """Inputs that must be given; weights that old files list among them are none."""
        weights = {tensor.name for tensor in self.model.graph.initializer}
        nodes = [_node(value) for value in self.model.graph.input if value.name not in weights]
        return {node.name: node for node in nodes}

    @cached_property
    def outputs(self) -> dict[str, Node]:
        """Outputs by name."""
        nodes = [_node(value) for value in self.model.graph.output]
        return {node.name: node for node in nodes}

    @cached_property
    def domains(self) -> set[str]:
        """Domains of the operators that it uses and does not define."""
        nodes = [*_nodes(self.model.graph)]
        nodes += [n for function in self.model.functions for n in _all(function.node)]
        defined = {f.domain for f in self.model.functions}
        return {_text(n.domain) for n in nodes if n.domain not in defined}

    @cached_property
    def external_files(self) -> dict[str, int]:
        """Files that hold weights, as the model names them, and the bytes that it wants of each."""
        wanted: dict[str, int] = {}
        for tensor in _tensors(self.model.graph):
            if tensor.data_location == TensorProto.EXTERNAL:
                entries = {_text(e.key): _text(e.value) for e in tensor.external_data}
                name, end = entries.get("location", ""), _end(entries)
                wanted[name] = max(wanted.get(name, 0), end)
        return wanted


def read_onnx(path: Path, place: str) -> "Read[Network]":
    """Reads a file; what hinders it is a finding."""
    try:
        text = read_bytes(path, MAX_BYTES)
        model = onnx.load_model_from_string(text)
    except UnreadableError as failure:
        return Read(None, (_unreadable(path, place, failure),))
    except (DecodeError, ValueError):
        return Read(None, (_garbage(place),))
    if not model.graph.node or not model.ir_version:
        return Read(None, (_garbage(place),))
    return Read(OnnxFile(model))


def _unreadable(path: Path, place: str, failure: UnreadableError) -> Finding:
    if not path.is_file() or path.stat().st_size <= MAX_BYTES:
        return unreadable("onnx-unreadable", place, failure)
    return error(
        "onnx-unreadable",
        place,
        f"The file has {in_bytes(path.stat().st_size)}, and an ONNX file can have 2 GiB at most.",
        "Export the model with its weights as external data, in files beside it.",
    )


def _garbage(place: str) -> Finding:
    return error(
        "onnx-syntax",
        place,
        "The file is no ONNX model, or only a part of one.",
        "Copy it again, or export the model again.",
    )


def _node(value: Any) -> Node:
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        return Node(_text(value.name), str(value.type.WhichOneof("value")), None)
    known = TensorProto.DataType.values()
    name = TensorProto.DataType.Name(kind.elem_type) if kind.elem_type in known else "unknown"
    datatype = TRITON_TYPES.get(kind.elem_type, name)
    if not kind.HasField("shape"):
        return Node(_text(value.name), datatype, None)
    sizes = (d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
    return Node(_text(value.name), datatype, tuple(sizes))


def _text(name: str | bytes) -> str:
    """Protobuf gives a text that is not UTF-8 as bytes."""
    return name if isinstance(name, str) else name.decode("utf-8", "backslashreplace")


def _nodes(graph: Any) -> Iterator[Any]:
    return _all(graph.node)


def _all(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in _graphs(attribute):
                yield from _all(graph.node)


def _graphs(attribute: Any) -> Iterator[Any]:
    if attribute.HasField("g"):
        yield attribute.g
    yield from attribute.graphs


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in _graphs(attribute):
                yield from _tensors(inner)


def _end(entries: dict[str, str]) -> int:
    numbers = [entries.get(key, "0") for key in ("offset", "length")]
    return sum(int(number) for number in numbers if number.isdecimal())
