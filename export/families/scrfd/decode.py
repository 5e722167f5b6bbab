"""From pixels to SCRFD's numbers and from these to faces, as nodes of a graph.

Formulas after InsightFace's `scrfd.py`: (v - 127.5) / 128; all anchors of a cell lie at its corner
(x * stride, y * stride); boxes are distances from there to the four sides and keypoints offsets,
both in strides; areas of overlapping boxes are counted in whole pixels, both ends included.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from export.builtin.mediapipe.suppression import add_suppression
from export.families.scrfd.layout import KEYPOINTS, Layout
from export.families.scrfd.settings import Settings
from export.onnx_wrap import WrappingBuilder

FACES = 16
COLUMNS = 15
# Suppression looks at the best anchors only. That changes nothing unless more than these are above
# the threshold, and then only faces that come after all of the best have been suppressed.
CANDIDATES = 1024

MIDDLE, HALF_RANGE = 127.5, 128.0

Floats = NDArray[np.float32]


def with_decoding(
    core: onnx.ModelProto, layout: Layout, side: int, settings: Settings
) -> onnx.ModelProto:
    """Wraps a detector: `image` UINT8 [B,side,side,3] RGB -> `detections` FP32 [B,16,15].

    Args:
        core: Its network with a batch axis, of the served opset.
        layout: Of its outputs.
        side: Of the picture.
        settings: Its thresholds.
    """
    builder = WrappingBuilder("scrfd")
    image = builder.input("image", TensorProto.UINT8, [side, side, 3])
    levels = builder.emit("Cast", image, to=TensorProto.FLOAT)
    centred = builder.emit("Sub", levels, builder.number(MIDDLE))
    scaled = builder.emit("Mul", centred, builder.number(1 / HALF_RANGE))
    planes = builder.emit("Transpose", scaled, perm=(0, 3, 1, 2))
    rows = decoded(builder, builder.embed(core, [planes]), layout, side)
    add_detections(builder, rows, settings, FACES)
    return builder.model()


def decoded(builder: WrappingBuilder, raw: Sequence[str], layout: Layout, side: int) -> str:
    """Appends the decoding of the anchors with the best scores.

    Args:
        builder: The graph to extend.
        raw: Names of scores [B,A,1], boxes [B,A,4] and keypoints [B,A,10] of every stride.
        layout: Of these.
        side: Of the picture.

    Returns:
        Name of the corners x1 y1 x2 y2 in pixels, score and five points x y, [B,K,15].
    """
    count = len(layout.strides)
    scores, distances, offsets = (
        builder.emit("Concat", *raw[at : at + count], axis=1) for at in range(0, 3 * count, count)
    )
    points, strides = anchors(layout, side)
    outwards = strides * np.array([-1, -1, 1, 1], np.float32)
    boxes = _moved(builder, distances, outwards, np.tile(points, 2))
    keypoints = _moved(builder, offsets, strides, np.tile(points, KEYPOINTS))
    rows = builder.emit("Concat", boxes, scores, keypoints, axis=2)
    flat = builder.emit("Squeeze", scores, builder.integers(2))
    best = builder.integers(min(CANDIDATES, len(points)))
    return _rows_at(builder, rows, builder.emit_many("TopK", 2, flat, best)[1])


def add_detections(builder: WrappingBuilder, rows: str, settings: Settings, count: int) -> None:
    """Appends suppression and declares the output `detections` FP32 [B,count,15].

    Args:
        builder: The graph to extend.
        rows: From `decoded`.
        settings: Its thresholds.
        count: How many faces are given at most.
    """
    boxes, score, _ = builder.emit_many("Split", 3, rows, builder.integers(4, 1, 10), axis=2)
    both_ends = builder.constant(np.array([0, 0, 1, 1], np.float32))
    last = builder.integers(2)
    best, index = add_suppression(
        builder,
        builder.emit("Add", boxes, both_ends),
        builder.emit("Squeeze", score, last),
        count=count,
        min_score=settings.score_threshold,
        max_iou=_just_above(settings.iou_threshold),
    )
    none = builder.number(0)
    found = builder.emit("Greater", builder.emit("Unsqueeze", best, last), none)
    picked = builder.emit("Where", found, _rows_at(builder, rows, index), none)
    builder.output(picked, "detections", [count, COLUMNS])


def anchors(layout: Layout, side: int) -> tuple[Floats, Floats]:
    """Returns anchor points [A,2] as x, y in pixels, row by row, and their strides [A,1]."""
    points, strides = [], []
    for stride in layout.strides:
        x, y = np.meshgrid(*[np.arange(0, side, stride, dtype=np.float32)] * 2)
        grid = np.stack([x, y], axis=-1).reshape(-1, 2)
        points.append(grid.repeat(layout.anchors, axis=0))
        strides.append(np.full((len(points[-1]), 1), stride, np.float32))
    return np.concatenate(points), np.concatenate(strides)


def _moved(builder: WrappingBuilder, lengths: str, scales: Floats, origins: Floats) -> str:
    scaled = builder.emit("Mul", lengths, builder.constant(scales))
    return builder.emit("Add", scaled, builder.constant(origins))


def _rows_at(builder: WrappingBuilder, rows: str, index: str) -> str:
    nested = builder.emit("Unsqueeze", index, builder.integers(2))
    return builder.emit("GatherND", rows, nested, batch_dims=1)


def _just_above(limit: float) -> float:
    """Suppression takes out boxes that reach its limit, SCRFD only those beyond."""
    return float(np.nextafter(np.float32(limit), np.float32(1)))
