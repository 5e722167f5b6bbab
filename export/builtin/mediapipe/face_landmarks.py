"""The landmark graph: an aligned face crop in; 68 landmarks, the whole mesh and presence out."""

import onnx
from onnx import TensorProto

from export.builtin.mediapipe.convert import convert
from export.builtin.mediapipe.onnx_builder import OnnxBuilder
from export.builtin.mediapipe.tflite_graph import TfliteGraph

SIZE = 192
MESH_POINTS = 468

# The mesh vertices nearest to the 68 points of the iBUG annotation, in its order. "Right" is the
# person's own: the left of an upright picture, where the annotation starts.
JAW = (127, 234, 132, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 361, 454, 356)
RIGHT_BROW = (70, 63, 105, 66, 107)
LEFT_BROW = (336, 296, 334, 293, 300)
NOSE_BRIDGE = (168, 197, 5, 4)
NOSE_BASE = (75, 97, 2, 326, 305)
RIGHT_EYE = (33, 160, 158, 133, 153, 144)
LEFT_EYE = (362, 385, 387, 263, 373, 380)
OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)
IBUG_68 = (
    *(*JAW, *RIGHT_BROW, *LEFT_BROW, *NOSE_BRIDGE, *NOSE_BASE),
    *(*RIGHT_EYE, *LEFT_EYE, *OUTER_LIPS, *INNER_LIPS),
)


def build_face_landmarks(tflite_file: bytes) -> onnx.ModelProto:
    """Returns the model `face` UINT8 [B,192,192,3] -> `landmarks`, `presence`, `mesh`, all FP32.

    Args:
        tflite_file: MediaPipe's `face_landmark.tflite`.
    """
    builder = OnnxBuilder("face_landmarks")
    face = builder.input("face", TensorProto.UINT8, [SIZE, SIZE, 3])
    planar = builder.emit(
        "Transpose", builder.emit("Cast", face, to=TensorProto.FLOAT), perm=(0, 3, 1, 2)
    )
    scaled = builder.emit("Mul", planar, builder.number(1 / 255))
    raw_points, raw_flag = convert(TfliteGraph(tflite_file), builder, scaled)
    mesh = _mesh(builder, raw_points)
    flag = builder.emit("Reshape", raw_flag, builder.integers(-1, 1))
    landmarks = builder.emit("Gather", mesh, builder.integers(*IBUG_68), axis=1)
    builder.output(landmarks, "landmarks", [len(IBUG_68), 2])
    builder.output(builder.emit("Sigmoid", flag), "presence", [1])
    builder.output(mesh, "mesh", [MESH_POINTS, 2])
    return builder.model()


def _mesh(builder: OnnxBuilder, raw_points: str) -> str:
    """Returns the mesh [B,468,2] in 0..1 of the crop from x, y, z in its pixels."""
    points = builder.emit("Reshape", raw_points, builder.integers(-1, MESH_POINTS, 3))
    in_plane = builder.emit(
        "Slice", points, builder.integers(0), builder.integers(2), builder.integers(2)
    )
    return builder.emit("Mul", in_plane, builder.number(1 / SIZE))
