"""A model repository for long runs: two small models, and a shipped one beside them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from client.tensors import Array
from orchestrator.settings import home

KEPT: Final = "kept"
TURNED: Final = "turned"
SHIPPED: Final = "face_landmarks"

WIDTH: Final = 4096
DEPTH: Final = 512
OPSET: Final = 17
IR_VERSION: Final = 9

CONFIG: Final = """\
name: "{name}"
backend: "onnxruntime"
default_model_filename: "model.onnx"
max_batch_size: 8
input [ {{ name: "x", data_type: TYPE_FP32, dims: [ {width} ] }} ]
output [ {{ name: "y", data_type: TYPE_FP32, dims: [ {depth} ] }} ]
dynamic_batching {{ max_queue_delay_microseconds: 0 }}
instance_group [ {{ count: 1 }} ]
parameters [ {{ key: "manifest.1", value: {{ string_value: "{{}}" }} }} ]
"""


def write_repository(folder: Path) -> Path:
    """Writes the two small models and a copy of the shipped one; returns the folder."""
    for name in (KEPT, TURNED):
        write_product(folder, name)
    shutil.copytree(home() / "model_repository" / SHIPPED, folder / SHIPPED)
    return folder


def write_product(folder: Path, name: str) -> None:
    """Writes a model whose `y` FP32 [512] is `x` FP32 [4096] times 8 MiB of weights."""
    version = folder / name / "1"
    version.mkdir(parents=True)
    rows = [
        helper.make_tensor_value_info(tensor, TensorProto.FLOAT, ["N", size])
        for tensor, size in (("x", WIDTH), ("y", DEPTH))
    ]
    node = helper.make_node("MatMul", ["x", "weights"], ["y"])
    weights = numpy_helper.from_array(product_weights(), "weights")
    graph = helper.make_graph([node], name, rows[:1], rows[1:], [weights])
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    onnx.save(model, version / "model.onnx")
    config = CONFIG.format(name=name, width=WIDTH, depth=DEPTH)
    (folder / name / "config.pbtxt").write_text(config, encoding="utf-8")


def product_weights() -> NDArray[np.float32]:
    """Returns the weights: small whole numbers, so that every sum is exact."""
    numbers = np.random.default_rng(1).integers(-3, 4, (WIDTH, DEPTH))
    return numbers.astype(np.float32)


def product_input() -> NDArray[np.float32]:
    """Returns one row of `x`, of small whole numbers as well."""
    return np.random.default_rng(2).integers(-3, 4, (1, WIDTH)).astype(np.float32)


def shipped_input() -> Array:
    """Returns one row of what the shipped model takes."""
    with np.load(home() / "model_repository" / SHIPPED / "1" / "golden.npz") as golden:
        row: Array = golden["input_face"][:1]
    return row
