"""Renderers that give pictures, and a model that restores faces, made on the spot of ONNX."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.repository import MARKER, mirror_manifests, write_manifest

FEATURES = (64, 17)  # what the built-in speech encoder gives
OPSET, IR_VERSION = 17, 9

Tensors = dict[str, tuple[str, list[int]]]  # type and dims, without the batch axis


def write_renderer(
    repository: Path,
    name: str,
    size: int,
    crop: str,
    *,
    colour: tuple[int, int, int] | None = None,
    paste: dict[str, object] | None = None,
    feature_kind: str = "lipsync-v1",
) -> None:
    """Writes a renderer whose picture is the crop that it is shown, or all of one colour."""
    inputs = {"face": ("UINT8", [size, size, 3]), "features": ("FP32", list(FEATURES))}
    outputs = {"generated": ("UINT8", [size, size, 3])}
    scale, shift = (1, (0, 0, 0)) if colour is None else (0, colour)
    graph = _linear("face", "generated", scale, shift, inputs, outputs)
    _write(repository / name, graph, inputs, outputs)
    _publish(repository / name, crop, paste=paste, feature_kind=feature_kind)


def write_restorer(repository: Path, name: str, size: int = 512) -> None:
    """Writes a model that gives the negative of a face."""
    inputs, outputs = ({key: ("UINT8", [size, size, 3])} for key in ("face", "restored"))
    graph = _linear("face", "restored", -1, (255, 255, 255), inputs, outputs)
    _write(repository / name, graph, inputs, outputs)
    _publish(repository / name, "restoration-512")


def _linear(
    source: str,
    target: str,
    scale: float,
    shift: tuple[int, int, int],
    inputs: Tensors,
    outputs: Tensors,
) -> onnx.ModelProto:
    """A graph that gives scale · source + shift."""
    nodes = [
        helper.make_node("Cast", [source], ["codes"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["codes", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["shifted"]),
        helper.make_node("Cast", ["shifted"], [target], to=TensorProto.UINT8),
    ]
    numbers = {"scale": np.float32(scale), "shift": np.array(shift, np.float32)}
    weights = [numpy_helper.from_array(np.asarray(n), key) for key, n in numbers.items()]
    graph = helper.make_graph(nodes, "toy", _values(inputs), _values(outputs), weights)
    imports = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)


def _write(folder: Path, graph: onnx.ModelProto, inputs: Tensors, outputs: Tensors) -> None:
    (folder / "1").mkdir(parents=True)
    onnx.save(graph, folder / "1" / "model.onnx")
    lines = [
        f'name: "{folder.name}"',
        'backend: "onnxruntime"',
        'default_model_filename: "model.onnx"',
        "max_batch_size: 4",
        *(_declared("input", *item) for item in inputs.items()),
        *(_declared("output", *item) for item in outputs.items()),
        "dynamic_batching { max_queue_delay_microseconds: 1000 }",
        "instance_group [ { count: 1 } ]",
        MARKER,
    ]
    (folder / "config.pbtxt").write_text("\n".join(lines), encoding="utf-8")


def _publish(
    folder: Path,
    crop: str,
    *,
    paste: dict[str, object] | None = None,
    feature_kind: str | None = None,
) -> None:
    write_manifest(
        folder / "1",
        source="here",
        licence="Apache-2.0",
        recipe="none",
        golden={},
        feature_kind=feature_kind,
        crop={"kind": crop},
    )
    if paste is None:
        return
    path = folder / "1" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"paste": paste}), "utf-8")
    mirror_manifests(folder)


def _declared(key: str, name: str, tensor: tuple[str, list[int]]) -> str:
    kind, dims = tensor
    return f'{key} [ {{ name: "{name}", data_type: TYPE_{kind}, dims: {dims} }} ]'


def _values(tensors: Tensors) -> list[onnx.ValueInfoProto]:
    kinds = {"UINT8": TensorProto.UINT8, "FP32": TensorProto.FLOAT}
    return [
        helper.make_tensor_value_info(name, kinds[kind], ["N", *dims])
        for name, (kind, dims) in tensors.items()
    ]
