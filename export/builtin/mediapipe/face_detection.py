"""The detection graph: pictures in, faces out, with decoding and suppression inside.

Anchors and decoding follow MediaPipe's full-range face detector: one anchor of unit size in the
middle of each of 48x48 cells, every regressed coordinate in pixels of the 192-pixel picture.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from export.builtin.mediapipe.convert import convert
from export.builtin.mediapipe.onnx_builder import OnnxBuilder
from export.builtin.mediapipe.tflite_graph import TfliteGraph

SIZE = 192
GRID = 48
FACES = 16
COLUMNS = 15
MIN_SCORE = 0.5
MAX_IOU = 0.3
# The network gives the middle of the mouth, not its corners: they are put this many eye
# distances to either side of it, the proportion of the customary 112x112 alignment template.
MOUTH_HALF_WIDTH = 0.41


def build_face_detection(tflite_file: bytes) -> onnx.ModelProto:
    """Returns the model `image` UINT8 [B,192,192,3] -> `detections` FP32 [B,16,15].

    Args:
        tflite_file: MediaPipe's `face_detection_full_range_sparse.tflite`.
    """
    builder = OnnxBuilder("face_detection")
    image = builder.input("image", TensorProto.UINT8, [SIZE, SIZE, 3])
    planar = builder.emit(
        "Transpose", builder.emit("Cast", image, to=TensorProto.FLOAT), perm=(0, 3, 1, 2)
    )
    scaled = builder.emit("Mul", planar, builder.number(1 / 127.5))
    centred = builder.emit("Sub", scaled, builder.number(1.0))
    regressors, logits = convert(TfliteGraph(tflite_file), builder, centred)
    add_detections(builder, regressors, logits)
    return builder.model()


def add_detections(builder: OnnxBuilder, regressors: str, logits: str) -> None:
    """Appends decoding and suppression and declares the output `detections`.

    Args:
        builder: The graph to extend.
        regressors: Name of the raw boxes and points, [B,2304,16].
        logits: Name of the raw scores, [B,2304,1].
    """
    candidates = _decode(builder, regressors, logits)
    scores, indices = _suppress(builder, candidates)
    rows = builder.emit(
        "Concat", candidates.low, candidates.high, candidates.score, candidates.points, axis=2
    )
    index = builder.emit("Unsqueeze", indices, builder.integers(2))
    picked = builder.emit("GatherND", rows, index, batch_dims=1)
    found = builder.emit(
        "Greater", builder.emit("Unsqueeze", scores, builder.integers(2)), builder.number(0)
    )
    detections = builder.emit("Where", found, picked, builder.number(0))
    builder.output(detections, "detections", [FACES, COLUMNS])


@dataclass(frozen=True)
class _Candidates:
    """Names of the decoded boxes of all anchors, in pixels.

    Attributes:
        low: Upper left corners [B,2304,2].
        high: Lower right corners [B,2304,2].
        score: Probabilities [B,2304,1].
        points: Five points [B,2304,10].
    """

    low: str
    high: str
    score: str
    points: str


def anchor_centres() -> NDArray[np.float32]:
    """Returns the anchors [2304,2] as x, y in pixels of the 192-pixel picture, row by row."""
    middle = (np.arange(GRID) + 0.5) * (SIZE / GRID)
    x, y = np.meshgrid(middle, middle)
    return np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)


def _decode(builder: OnnxBuilder, regressors: str, logits: str) -> _Candidates:
    # Columns: box centre, box size, then right eye, left eye, nose tip, mouth, right ear, left ear.
    sizes = builder.integers(2, 2, 2, 2, 2, 2, 4)
    offsets = builder.emit_many("Split", 7, regressors, sizes, axis=2)
    anchors = builder.constant(anchor_centres())
    centre, right_eye, left_eye, nose, mouth = (
        builder.emit("Add", offsets[i], anchors) for i in (0, 2, 3, 4, 5)
    )
    half_size = builder.emit("Mul", builder.emit("Relu", offsets[1]), builder.number(0.5))
    half_mouth = builder.emit(
        "Mul", builder.emit("Sub", left_eye, right_eye), builder.number(MOUTH_HALF_WIDTH)
    )
    corners = (builder.emit(operator, mouth, half_mouth) for operator in ("Sub", "Add"))
    return _Candidates(
        low=builder.emit("Sub", centre, half_size),
        high=builder.emit("Add", centre, half_size),
        score=builder.emit("Sigmoid", logits),
        points=builder.emit("Concat", right_eye, left_eye, nose, *corners, axis=2),
    )


def _suppress(builder: OnnxBuilder, candidates: _Candidates) -> tuple[str, str]:
    """Appends greedy non-maximum suppression, unrolled so that batch rows cannot meet.

    Returns:
        Names of the scores [B,16], zero where there is no face, and the anchor indices [B,16].
    """
    area = _area(builder, candidates.low, candidates.high)
    score = builder.emit("Squeeze", candidates.score, builder.integers(2))
    likely = builder.emit("GreaterOrEqual", score, builder.number(MIN_SCORE))
    alive = builder.emit("Where", likely, score, builder.number(0))
    scores, indices = [], []
    for _ in range(FACES):
        best, index = builder.emit_many("TopK", 2, alive, builder.integers(1))
        scores.append(best)
        indices.append(index)
        apart = _apart(builder, candidates, area, index)
        alive = builder.emit("Where", apart, alive, builder.number(0))
    return builder.emit("Concat", *scores, axis=1), builder.emit("Concat", *indices, axis=1)


def _apart(builder: OnnxBuilder, candidates: _Candidates, area: str, index: str) -> str:
    """Returns where [B,2304] the overlap with the picked box [B,1] is below the limit."""
    nested = builder.emit("Unsqueeze", index, builder.integers(2))
    low, high, own_area = (
        builder.emit("GatherND", values, nested, batch_dims=1)
        for values in (candidates.low, candidates.high, area)
    )
    shared = _area(
        builder,
        builder.emit("Max", candidates.low, low),
        builder.emit("Min", candidates.high, high),
    )
    union = builder.emit("Sub", builder.emit("Add", area, own_area), shared)
    # Compared as a product: a box without area removes itself, where a quotient would be 0/0.
    return builder.emit("Less", shared, builder.emit("Mul", union, builder.number(MAX_IOU)))


def _area(builder: OnnxBuilder, low: str, high: str) -> str:
    """Returns the areas [B,2304] of boxes; one that is turned inside out has none."""
    size = builder.emit("Relu", builder.emit("Sub", high, low))
    return builder.emit("ReduceProd", size, axes=[2], keepdims=0)
