"""Small models, made on the spot, in a model repository: of ONNX, and one of Python."""

import shutil
from collections.abc import Iterable
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

SLEEPER = """
import time

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        rows = [pb_utils.get_input_tensor_by_name(r, "x").as_numpy() for r in requests]
        time.sleep(1e6 if any((row < 0).any() for row in rows) else {seconds})
        tensors = [pb_utils.Tensor("y", row) for row in rows]
        return [pb_utils.InferenceResponse(output_tensors=[t]) for t in tensors]
"""

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
    _write_config(folder, "onnxruntime", inputs, outputs, delay_us=delay_us)
    return folder


def write_file(repository: Path, name: str, file: Path) -> Path:
    """Writes `<repository>/<name>` around an ONNX file whose first axes are the batch."""
    folder = repository / name
    (folder / "1").mkdir(parents=True)
    shutil.copyfile(file, folder / "1" / "model.onnx")
    graph = onnx.load(file, load_external_data=False).graph
    _write_config(folder, "onnxruntime", _declared_in(graph.input), _declared_in(graph.output))
    return folder


def _declared_in(values: Iterable[onnx.ValueInfoProto]) -> Tensors:
    tensors = {value.name: value.type.tensor_type for value in values}
    return {
        name: (tensor.elem_type, [d.dim_param or d.dim_value for d in tensor.shape.dim])
        for name, tensor in tensors.items()
    }


def write_sleeper(repository: Path, seconds: float) -> Path:
    """Writes a model whose `y` FP32 [1] is its `x`, after some seconds a batch.

    It hangs on an `x` below zero.
    """
    folder = repository / "sleeper"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "model.py").write_text(SLEEPER.format(seconds=seconds), encoding="utf-8")
    row: Tensors = {"x": (TensorProto.FLOAT, ["N", 1])}
    _write_config(folder, "python", row, {"y": (TensorProto.FLOAT, ["N", 1])})
    return folder


def _write_config(
    folder: Path, backend: str, inputs: Tensors, outputs: Tensors, *, delay_us: int = 0
) -> None:
    file_name = "model.onnx" if backend == "onnxruntime" else "model.py"
    lines = [
        f'name: "{folder.name}"',
        f'backend: "{backend}"',
        f'default_model_filename: "{file_name}"',
        "max_batch_size: 8",
        *(f"input [ {{ {_declared(n, *t)} }} ]" for n, t in inputs.items()),
        *(f"output [ {{ {_declared(n, *t)} }} ]" for n, t in outputs.items()),
        f"dynamic_batching {{ max_queue_delay_microseconds: {delay_us} }}",
        "instance_group [ { count: 1 } ]",
        MARKER,
        'parameters [ { key: "manifest.1", value: { string_value: "{}" } } ]',
    ]
    (folder / "config.pbtxt").write_text("\n".join(lines), encoding="utf-8")


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
