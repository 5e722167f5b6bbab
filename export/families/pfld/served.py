"""From a crop of a face to a landmark network's points, and from these to landmarks and a mesh."""

import numpy as np
import onnx
from onnx import TensorProto

from export.builtin.mediapipe.face_landmarks import MESH_POINTS
from export.face_mesh import mesh_of_landmarks
from export.families.pfld.layout import IBUG, SIDE, WFLW, Points
from export.families.pfld.settings import Settings
from export.families.pfld.wflw import ibug_of_wflw
from export.onnx_wrap import WrappingBuilder

_WHITE = 255


def with_landmarks(core: onnx.ModelProto, points: Points, settings: Settings) -> onnx.ModelProto:
    """Wraps a network: `face` UINT8 [B,S,S,3] RGB -> `landmarks`, `presence` and `mesh`, all FP32.

    S is the network's 112 pixels and the margin around them; landmarks [B,68,2] and mesh
    [B,468,2] are in 0..1 of all S.

    Args:
        core: Its network with a batch axis, of the served opset.
        points: Where its landmarks are.
        settings: What it takes.
    """
    builder = WrappingBuilder("face_landmarks")
    side = SIDE + 2 * settings.margin
    face = builder.input("face", TensorProto.UINT8, [side, side, 3])
    given = builder.embed(core, [_picture(builder, face, settings)])
    landmarks = _landmarks(builder, given[points.output], points.count, settings.margin)
    matrix = builder.constant(mesh_of_landmarks().astype(np.float32))
    builder.output(landmarks, "landmarks", [IBUG, 2])
    builder.output(_ones(builder, landmarks), "presence", [1])
    builder.output(builder.emit("MatMul", matrix, landmarks), "mesh", [MESH_POINTS, 2])
    return builder.model()


def _picture(builder: WrappingBuilder, face: str, settings: Settings) -> str:
    """Returns the middle of the crop as the network takes it, [B,3,112,112] in 0..1."""
    low, high = settings.margin, settings.margin + SIDE
    window = (builder.integers(low, low), builder.integers(high, high), builder.integers(1, 2))
    middle = builder.emit("Slice", face, *window)
    if settings.order == "bgr":
        middle = builder.emit("Gather", middle, builder.integers(2, 1, 0), axis=3)
    levels = builder.emit("Cast", middle, to=TensorProto.FLOAT)
    scaled = builder.emit("Mul", levels, builder.number(1 / _WHITE))
    return builder.emit("Transpose", scaled, perm=(0, 3, 1, 2))


def _landmarks(builder: WrappingBuilder, rows: str, count: int, margin: int) -> str:
    """Returns the 68 landmarks [B,68,2] in 0..1 of the whole crop."""
    flat = builder.emit("Flatten", rows, axis=1)
    ends = (builder.integers(0), builder.integers(2 * count), builder.integers(1))
    numbers = builder.emit("Slice", flat, *ends)
    points = builder.emit("Reshape", numbers, builder.integers(0, count, 2))
    side = SIDE + 2 * margin
    scaled = builder.emit("Mul", points, builder.number(SIDE / side))
    moved = builder.emit("Add", scaled, builder.number(margin / side))
    if count != WFLW:
        return moved
    return builder.emit("MatMul", builder.constant(ibug_of_wflw()), moved)


def _ones(builder: WrappingBuilder, like: str) -> str:
    """Returns a 1 for every row, [B,1]."""
    batch = builder.emit("Shape", like, end=1)
    shape = builder.emit("Concat", batch, builder.integers(1), axis=0)
    one = onnx.numpy_helper.from_array(np.ones(1, np.float32))
    return builder.emit("ConstantOfShape", shape, value=one)
