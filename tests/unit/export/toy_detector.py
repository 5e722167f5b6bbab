"""A detector of SCRFD's layout that takes cells of white for faces."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 64
GAIN = 8.0  # of the logit over the brightness -1..1 of a cell's red channel
DISTANCES = (0.5, 0.25, 1.0, 1.5)
KEYPOINTS = tuple(np.linspace(-1, 1.25, 10))
STRIDES = (8, 16, 32)


def detector(
    *,
    strides: Sequence[int] = STRIDES,
    anchors: int = 2,
    keypoints: bool = True,
    sides: tuple[int | str, int | str] = (SIDE, SIDE),
    joined: bool = False,
    drawn_from: Sequence[int] = (0, 2, 3, 1),
) -> onnx.ModelProto:
    """The network for one picture.

    Args:
        strides: Of its outputs.
        anchors: Per cell, all the same.
        keypoints: Whether it gives any.
        sides: Height and width of the picture, as it declares them.
        joined: Whether its outputs have no batch axis.
        drawn_from: Order of the axes before rows are made of them.
    """
    kinds = [_score(), (np.zeros(4), DISTANCES), (np.zeros(10), KEYPOINTS)]
    nodes, weights, outputs = [], [], []
    for (slope, bias), kind in zip(kinds[: 3 if keypoints else 2], "sbk", strict=False):
        for stride in strides:
            name = f"{kind}{stride}"
            width = len(bias)
            kernel = np.zeros((anchors * width, 3, stride, stride), np.float32)
            kernel[:, 0] = np.tile(slope, anchors)[:, None, None] / stride**2
            target = [-1, width] if joined else [1, -1, width]
            weights += [
                numpy_helper.from_array(kernel, f"{name}_w"),
                numpy_helper.from_array(np.tile(bias, anchors).astype(np.float32), f"{name}_b"),
                numpy_helper.from_array(np.array(target, np.int64), f"{name}_t"),
            ]
            nodes += _head(name, stride, drawn_from, is_score=kind == "s")
            rows = anchors * (SIDE // stride) ** 2 if sides == (SIDE, SIDE) else f"rows_{name}"
            shape = [rows, width] if joined else [1, rows, width]
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    picture = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, *sides])
    graph = helper.make_graph(nodes, "toy_scrfd", [picture], outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)


def write(path: Path, model: onnx.ModelProto) -> Path:
    onnx.save(model, path)
    return path


def dark(count: int) -> NDArray[np.uint8]:
    return np.zeros((count, SIDE, SIDE, 3), np.uint8)


def _score() -> tuple[NDArray[np.float64], tuple[float, ...]]:
    return np.array([GAIN]), (0.0,)


def _head(
    name: str, stride: int, drawn_from: Sequence[int], *, is_score: bool
) -> list[onnx.NodeProto]:
    last = "Sigmoid" if is_score else "Identity"
    given = ["input.1", f"{name}_w", f"{name}_b"]
    return [
        helper.make_node("Conv", given, [f"{name}_c"], strides=[stride, stride]),
        helper.make_node("Transpose", [f"{name}_c"], [f"{name}_l"], perm=drawn_from),
        helper.make_node("Reshape", [f"{name}_l", f"{name}_t"], [f"{name}_r"]),
        helper.make_node(last, [f"{name}_r"], [name]),
    ]
