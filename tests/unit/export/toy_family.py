"""A family of toys: an ONNX file whose one weight is a gain becomes a renderer of 4x4 faces."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from client.errors import InputError
from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.family import Arrays, Build, Family
from export.onnx_network import OnnxNetwork
from export.structure import Structure

SIDE = 4
FACE = TensorSpec("face", "UINT8", (SIDE, SIDE, 3))
FEATURES = TensorSpec("features", "FP32", (6, 2))
GENERATED = TensorSpec("generated", "UINT8", (SIDE, SIDE, 3))

_TYPES = {"UINT8": TensorProto.UINT8, "FP32": TensorProto.FLOAT}


def value(spec: TensorSpec) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(spec.name, _TYPES[spec.datatype], ["batch", *spec.shape])


def model_of(graph: onnx.GraphProto, *, opset: int = 17, ir_version: int = 8) -> onnx.ModelProto:
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version
    )


def renderer(
    gain: float = 0.5, generated: TensorSpec = GENERATED, *, weight: float = 1.0
) -> onnx.ModelProto:
    """`face` times `gain`, plus `weight` times the mean of the `features`, rounded."""
    nodes = [
        helper.make_node("Cast", ["face"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["pixels", "gain"], ["scaled"]),
        helper.make_node("ReduceMean", ["features"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Mul", ["mean", "weight"], ["weighted"]),
        helper.make_node("Reshape", ["weighted", "as_pixels"], ["offset"]),
        helper.make_node("Add", ["scaled", "offset"], ["sum"]),
        helper.make_node("Round", ["sum"], ["whole"]),
        helper.make_node("Clip", ["whole", "low", "high"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], [generated.name], to=TensorProto.UINT8),
    ]
    weights = [
        numpy_helper.from_array(np.array(gain, np.float32), "gain"),
        numpy_helper.from_array(np.array(weight, np.float32), "weight"),
        numpy_helper.from_array(np.array([-1, 1, 1, 1], np.int64), "as_pixels"),
        numpy_helper.from_array(np.array(0, np.float32), "low"),
        numpy_helper.from_array(np.array(255, np.float32), "high"),
    ]
    inputs = [value(FACE), value(FEATURES)]
    return model_of(helper.make_graph(nodes, "toy", inputs, [value(generated)], weights))


def core(gain: float = 0.5) -> onnx.ModelProto:
    spec = TensorSpec("pixels", "FP32", (SIDE, SIDE, 3))
    nodes = [helper.make_node("Mul", ["pixels", "gain"], ["scaled"])]
    weights = [numpy_helper.from_array(np.array(gain, np.float32), "gain")]
    output = value(TensorSpec("scaled", "FP32", spec.shape))
    return model_of(helper.make_graph(nodes, "core", [value(spec)], [output], weights))


def save_checkpoint(path: Path, gain: float = 0.5) -> Path:
    onnx.save(core(gain), path)
    return path


def examples(batch: int) -> Arrays:
    rng = np.random.default_rng(1)
    face: NDArray[np.generic] = rng.integers(0, 256, (batch, SIDE, SIDE, 3)).astype(np.uint8)
    return {"face": face, "features": 99 * rng.random((batch, 6, 2), np.float32)}


def core_examples(batch: int) -> Arrays:
    return {"pixels": np.random.default_rng(batch).random((batch, SIDE, SIDE, 3), np.float32)}


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    gain = _gain(checkpoint)
    variant = str(config.get("variant", "plain"))
    if variant not in VARIANTS:
        raise InputError("The toy has no such variant; leave it out.")
    return Build(
        served=VARIANTS[variant](gain),
        core=OnnxNetwork(core(gain)),
        examples=examples,
        core_examples=core_examples,
        source="a toy",
        licence="CC0-1.0",
        summary="A toy: the face, darker.",
        feature_kind="toy-6",
        crop={"kind": "eyes-mouth-v1"},
        paste={"mode": "feather", "soft": 0.1},
        figures={"gain": gain},
    )


class Liar(OnnxNetwork):
    """Runs one network and writes another."""

    def write_onnx(self, path: Path, examples: Arrays) -> None:
        OnnxNetwork(renderer(0.6)).write_onnx(path, examples)


def mixing(gain: float, weight: float = 1.0) -> onnx.ModelProto:
    """A renderer whose rows depend on what else is in the batch."""
    model = renderer(gain, weight=weight)
    mean = next(node for node in model.graph.node if node.op_type == "ReduceMean")
    mean.attribute[0].ints[:] = [0, 1, 2]
    return model


def speech_of_nan() -> onnx.ModelProto:
    """An encoder that divides zero by zero."""
    speech, features = TensorSpec("speech", "FP32", (4,)), TensorSpec("features", "FP32", (1, 4))
    nodes = [
        helper.make_node("Sub", ["speech", "speech"], ["zero"]),
        helper.make_node("Div", ["zero", "zero"], ["none"]),
        helper.make_node("Unsqueeze", ["none", "axis"], ["features"]),
    ]
    weights = [numpy_helper.from_array(np.array([1], np.int64), "axis")]
    graph = helper.make_graph(nodes, "nan", [value(speech)], [value(features)], weights)
    return model_of(graph)


def newer(gain: float) -> onnx.ModelProto:
    model = renderer(gain)
    model.ir_version = 10
    return model


def with_torch(gain: float) -> OnnxNetwork:
    importlib.import_module("torch")
    return OnnxNetwork(renderer(gain))


def interrupted(gain: float) -> OnnxNetwork:
    raise KeyboardInterrupt


VARIANTS: dict[str, Callable[[float], OnnxNetwork]] = {
    "plain": lambda gain: OnnxNetwork(renderer(gain)),
    "lies": lambda gain: Liar(renderer(gain)),
    "mixes": lambda gain: OnnxNetwork(mixing(gain)),
    "torch": with_torch,
    "interrupted": interrupted,
    "newer": lambda gain: OnnxNetwork(newer(gain)),
    "open": lambda gain: OnnxNetwork(
        renderer(gain), outputs=[replace(GENERATED, shape=(-1, 4, 3))]
    ),
    "other": lambda gain: OnnxNetwork(renderer(gain, replace(GENERATED, name="picture"))),
    "oblong": lambda gain: OnnxNetwork(renderer(gain), [replace(FACE, shape=(4, 8, 3)), FEATURES]),
}


def _gain(checkpoint: Checkpoint) -> float:
    return float(numpy_helper.to_array(checkpoint.onnx().graph.initializer[0]))


def recognises(structure: Structure) -> bool:
    return structure.kind == "onnx" and list(structure.entries) == [("gain",)]


FAMILY = Family(
    name="toy",
    role="landmark2face",
    title="a toy renderer",
    model_name="toy",
    recognises=recognises,
    builder="tests.unit.export.toy_family:build",
)
