"""A small model repository without a fault: the models of all roles, and one of no role."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from export.repository import mirror_manifests, sha256_of, write_golden, write_manifest

OPSET, IR_VERSION = 17, 8
LARGEST = 4  # batch
ONNX_TYPES = {
    "FP32": TensorProto.FLOAT,
    "UINT8": TensorProto.UINT8,
    "INT32": TensorProto.INT32,
}
NUMPY_TYPES = {"FP32": np.float32, "UINT8": np.uint8, "INT32": np.int32}

Tensors = Mapping[str, tuple[str, list[int]]]  # type and dims, without the batch axis


@dataclass(frozen=True)
class Recipe:
    """What a toy model takes and gives, and what its manifest says."""

    inputs: Tensors
    outputs: Tensors
    facts: Mapping[str, object] = field(default_factory=dict)


CROP = {"kind": "eyes-mouth-v1"}
WINDOW = {"sample_rate": 16000, "left_context": 10, "core": 20, "right_context": 10}
RECIPES = {
    "echo": Recipe({"x": ("FP32", [4])}, {"y": ("FP32", [4])}),
    "face_detection": Recipe({"image": ("UINT8", [8, 8, 3])}, {"detections": ("FP32", [2, 15])}),
    "face_landmarks": Recipe(
        {"face": ("UINT8", [8, 8, 3])},
        {
            "landmarks": ("FP32", [68, 2]),
            "presence": ("FP32", [1]),
            "mesh": ("FP32", [5, 2]),
        },
        {"crop": {"kind": "square-1.5"}},
    ),
    "wenet": Recipe(
        {"speech": ("FP32", [40])},
        {"features": ("FP32", [6, 7])},
        {"window": WINDOW, "feature_kind": "toy"},
    ),
    "landmark2face": Recipe(
        {"face": ("UINT8", [8, 8, 3]), "features": ("FP32", [7, 3])},
        {"generated": ("UINT8", [8, 8, 3])},
        {"crop": CROP, "feature_kind": "toy"},
    ),
}


def write_repository(repository: Path) -> Path:
    """Writes every model; returns the repository."""
    for name, recipe in RECIPES.items():
        write_model(repository / name, recipe)
    return repository


def write_model(folder: Path, recipe: Recipe = RECIPES["echo"]) -> Path:
    """Writes one model; returns its folder."""
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(config_of(folder.name, recipe), encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text("A toy.\n")
    (folder / "NOTICE").write_text("Made here.\n")
    save(folder, graph_of(recipe), recipe)
    return folder


def save(folder: Path, model: onnx.ModelProto, recipe: Recipe = RECIPES["echo"]) -> None:
    """Writes version 1 of a model and publishes it, whatever it is."""
    onnx.save(model, folder / "1" / "model.onnx")
    publish(folder, recipe)


def publish(folder: Path, recipe: Recipe = RECIPES["echo"]) -> None:
    """Writes golden file and manifest of what lies there."""
    golden = write_golden(
        folder / "1",
        arrays_of(recipe.inputs),
        arrays_of(recipe.outputs),
        dict.fromkeys(recipe.outputs, 0.001),
    )
    write_manifest(
        folder / "1",
        source="here",
        licence="Apache-2.0",
        recipe="none",
        golden=golden,
        **recipe.facts,  # type: ignore[arg-type]
    )


def change_manifest(folder: Path, **changes: object) -> None:
    """Changes `manifest.json` and its mirror alike."""
    path = folder / "1" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes, indent=2))
    mirror_manifests(folder)


def change_golden(folder: Path, **arrays: NDArray[np.generic]) -> None:
    """Puts other arrays into the golden file, and says so in the manifest."""
    path = folder / "1" / "golden.npz"
    np.savez_compressed(path, allow_pickle=True, **arrays)
    entry = {"file": path.name, "sha256": sha256_of(path), "tolerance": {"y": 0.1}}
    change_manifest(folder, golden=entry)


def graph_of(
    recipe: Recipe, *, opset: int = OPSET, ir_version: int = IR_VERSION, batch: int | str = "N"
) -> onnx.ModelProto:
    """Returns a model whose outputs are zeros, as many as the first input has rows."""
    first = next(iter(recipe.inputs))
    start, end = (helper.make_tensor(n, TensorProto.INT64, [1], [i]) for i, n in enumerate("se"))
    nodes = [
        helper.make_node("Shape", [first], ["all"]),
        helper.make_node("Slice", ["all", "s", "e"], ["rows"]),
    ]
    weights = [start, end]
    for name, (kind, dims) in recipe.outputs.items():
        weights.append(helper.make_tensor(f"{name}_dims", TensorProto.INT64, [len(dims)], dims))
        zero = helper.make_tensor("zero", ONNX_TYPES[kind], [1], [0])
        nodes.append(helper.make_node("Concat", ["rows", f"{name}_dims"], [f"{name}_s"], axis=0))
        nodes.append(helper.make_node("ConstantOfShape", [f"{name}_s"], [name], value=zero))
    inputs, outputs = (_values(tensors, batch) for tensors in (recipe.inputs, recipe.outputs))
    graph = helper.make_graph(nodes, "toy", inputs, outputs, weights)
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir_version)


def config_of(name: str, recipe: Recipe) -> str:
    """Returns a configuration, without its manifests."""
    samples = ",\n".join(_sample(recipe, size) for size in (1, LARGEST))
    return "\n".join(
        [
            f'name: "{name}"',
            'backend: "onnxruntime"',
            'default_model_filename: "model.onnx"',
            f"max_batch_size: {LARGEST}",
            *_declared("input", recipe.inputs),
            *_declared("output", recipe.outputs),
            "dynamic_batching { max_queue_delay_microseconds: 100 }",
            "instance_group [ { count: 1 } ]",
            "version_policy: { specific: { versions: [ 1 ] } }",
            f"model_warmup [\n{samples}\n]",
            "",
        ]
    )


def arrays_of(tensors: Tensors) -> dict[str, NDArray[np.generic]]:
    """Returns zeros for one row."""
    return {name: np.zeros((1, *dims), NUMPY_TYPES[kind]) for name, (kind, dims) in tensors.items()}


def _declared(key: str, tensors: Tensors) -> list[str]:
    return [
        f'{key} [ {{ name: "{name}", data_type: TYPE_{kind}, dims: {dims} }} ]'
        for name, (kind, dims) in tensors.items()
    ]


def _sample(recipe: Recipe, size: int) -> str:
    inputs = [
        f'inputs: {{ key: "{name}", value: {{ data_type: TYPE_{kind}, dims: {dims}, '
        "zero_data: true } }"
        for name, (kind, dims) in recipe.inputs.items()
    ]
    return f'  {{ name: "batch_{size}", batch_size: {size}, {", ".join(inputs)} }}'


def _values(tensors: Tensors, batch: int | str) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, ONNX_TYPES[kind], [batch, *dims])
        for name, (kind, dims) in tensors.items()
    ]
