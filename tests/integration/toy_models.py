"""Small ONNX models, made on the spot, in a model repository."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from export.repository import MARKER

TRITON_TYPES: dict[int, str] = {
    TensorProto.FLOAT: "TYPE_FP32",
    TensorProto.INT32: "TYPE_INT32",
    TensorProto.INT64: "TYPE_INT64",
}
OPSET = 17
IR_VERSION = 9

Tensors = dict[str, tuple[int, list[int | str]]]


def write_model(
    repository: Path,
    name: str,
    nodes: list[onnx.NodeProto],
    inputs: Tensors,
    outputs: Tensors,
    *,
    delay_us: int = 0,
) -> Path:
    """Writes `<repository>/<name>`; shapes include the batch axis. Returns the model's folder."""
    folder = repository / name
    (folder / "1").mkdir(parents=True)
    graph = helper.make_graph(nodes, name, _values(inputs), _values(outputs))
    opset = [helper.make_opsetid("", OPSET)]
    onnx.save(
        helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION),
        folder / "1" / "model.onnx",
    )
    lines = [
        f'name: "{name}"',
        'backend: "onnxruntime"',
        'default_model_filename: "model.onnx"',
        "max_batch_size: 8",
        *(f"input [ {{ {_declared(n, *t)} }} ]" for n, t in inputs.items()),
        *(f"output [ {{ {_declared(n, *t)} }} ]" for n, t in outputs.items()),
        f"dynamic_batching {{ max_queue_delay_microseconds: {delay_us} }}",
        "instance_group [ { count: 1 } ]",
        MARKER,
        'parameters [ { key: "manifest.1", value: { string_value: "{}" } } ]',
    ]
    (folder / "config.pbtxt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def write_echo(
    repository: Path, name: str = "echo", *, delay_us: int = 0, config: str = ""
) -> Path:
    """Writes a model whose `y` FP32 [4] is its `x`."""
    row: Tensors = {"x": (TensorProto.FLOAT, ["N", 4])}
    out: Tensors = {"y": (TensorProto.FLOAT, ["N", 4])}
    node = helper.make_node("Identity", ["x"], ["y"])
    return write_model(repository, name, [node], row, out, delay_us=delay_us)


def write_add(repository: Path) -> Path:
    """Writes a model whose `sum` INT32 [3] is `a` + `b`."""
    terms: Tensors = {name: (TensorProto.INT32, ["N", 3]) for name in "ab"}
    node = helper.make_node("Add", ["a", "b"], ["sum"])
    return write_model(repository, "add", [node], terms, {"sum": (TensorProto.INT32, ["N", 3])})


def write_pick(repository: Path, *, delay_us: int) -> Path:
    """Writes a model that picks `x`[`index`] of each row, and fails on an index outside the row."""
    inputs: Tensors = {"x": (TensorProto.FLOAT, ["N", 4]), "index": (TensorProto.INT64, ["N", 1])}
    node = helper.make_node("GatherElements", ["x", "index"], ["picked"], axis=1)
    outputs: Tensors = {"picked": (TensorProto.FLOAT, ["N", 1])}
    return write_model(repository, "pick", [node], inputs, outputs, delay_us=delay_us)


def write_first(repository: Path) -> Path:
    """Writes a model that loses the batch: its `first` is the first row alone."""
    nodes = [
        helper.make_node("Constant", [], ["start"], value_ints=[0]),
        helper.make_node("Constant", [], ["end"], value_ints=[1]),
        helper.make_node("Constant", [], ["axis"], value_ints=[0]),
        helper.make_node("Slice", ["x", "start", "end", "axis"], ["first"]),
    ]
    outputs: Tensors = {"first": (TensorProto.FLOAT, ["M", 4])}
    return write_model(repository, "first", nodes, {"x": (TensorProto.FLOAT, ["N", 4])}, outputs)


def _values(tensors: Tensors) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in tensors.items()
    ]


def _declared(name: str, kind: int, shape: list[int | str]) -> str:
    return f'name: "{name}", data_type: {TRITON_TYPES[kind]}, dims: {shape[1:]}'
