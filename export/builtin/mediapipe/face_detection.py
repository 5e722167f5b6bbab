"""The detection graph: pictures in, faces out, with decoding and suppression inside.

Anchors and decoding follow MediaPipe's full-range face detector: one anchor of unit size in the
middle of each of 48x48 cells, every regressed coordinate in pixels of the 192-pixel picture.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from export.builtin.mediapipe.convert import convert
from export.builtin.mediapipe.onnx_builder import OnnxBuilder
from export.builtin.mediapipe.suppression import add_suppression
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
    last = builder.integers(2)
    boxes, points = _decode(builder, regressors)
    score = builder.emit("Sigmoid", logits)
    best_score, index = add_suppression(
        builder,
        boxes,
        builder.emit("Squeeze", score, last),
        count=FACES,
        min_score=MIN_SCORE,
        max_iou=MAX_IOU,
    )
    rows = builder.emit("Concat", boxes, score, points, axis=2)
    picked = builder.emit("GatherND", rows, builder.emit("Unsqueeze", index, last), batch_dims=1)
    none = builder.number(0)
    found = builder.emit("Greater", builder.emit("Unsqueeze", best_score, last), none)
    builder.output(builder.emit("Where", found, picked, none), "detections", [FACES, COLUMNS])


def anchor_centres() -> NDArray[np.float32]:
    """Returns the anchors [2304,2] as x, y in pixels of the 192-pixel picture, row by row."""
    middle = (np.arange(GRID) + 0.5) * (SIZE / GRID)
    x, y = np.meshgrid(middle, middle)
    return np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)


def _decode(builder: OnnxBuilder, regressors: str) -> tuple[str, str]:
    """Returns boxes [B,2304,4] as two corners and five points [B,2304,10], in pixels."""
    # Columns: box centre, box size, then right eye, left eye, nose tip, mouth, right ear, left ear.
    widths = builder.integers(2, 2, 2, 2, 2, 2, 4)
    offsets = builder.emit_many("Split", 7, regressors, widths, axis=2)
    anchors = builder.constant(anchor_centres())
    centre, right_eye, left_eye, nose, mouth = (
        builder.emit("Add", offsets[i], anchors) for i in (0, 2, 3, 4, 5)
    )
    half_size = builder.emit("Mul", builder.emit("Relu", offsets[1]), builder.number(0.5))
    eye_line = builder.emit("Sub", left_eye, right_eye)
    half_mouth = builder.emit("Mul", eye_line, builder.number(MOUTH_HALF_WIDTH))
    box = [builder.emit(operator, centre, half_size) for operator in ("Sub", "Add")]
    mouth_corners = [builder.emit(operator, mouth, half_mouth) for operator in ("Sub", "Add")]
    return (
        builder.emit("Concat", *box, axis=2),
        builder.emit("Concat", right_eye, left_eye, nose, *mouth_corners, axis=2),
    )
