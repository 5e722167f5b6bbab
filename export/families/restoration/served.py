"""The pixels around a restoration network, as ONNX nodes: uint8 RGB in and out."""

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from export.families.restoration.ports import SIDE, Ports
from export.families.restoration.settings import Settings

FACE, RESTORED = "face", "restored"
_PREFIX = "network/"
_SHAPE = ("batch", SIDE, SIDE, 3)
_WHITE = 255.0


def with_pixels(core: onnx.ModelProto, ports: Ports, settings: Settings) -> onnx.ModelProto:
    """Wraps a network with a batch axis so that it takes and gives pictures as pixels.

    Args:
        core: It takes `ports.picture` and gives `ports.restored`, FP32 [batch, 3, 512, 512].
        ports: Their names.
        settings: Range and order of its channels.

    Returns:
        A model of the same opset: `face` and `restored`, UINT8 [batch, 512, 512, 3] RGB.
    """
    model = compose.add_prefix(core, _PREFIX)
    graph = model.graph
    before = _before(_PREFIX + ports.picture, settings)
    after = _after(_PREFIX + ports.restored, settings)
    nodes = [*before, *graph.node, *after]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.initializer.extend(_constants(settings))
    graph.input.append(helper.make_tensor_value_info(FACE, TensorProto.UINT8, _SHAPE))
    graph.output.append(helper.make_tensor_value_info(RESTORED, TensorProto.UINT8, _SHAPE))
    onnx.checker.check_model(model)
    return model


def _before(picture: str, settings: Settings) -> list[onnx.NodeProto]:
    """From bytes to the network's own range: black + value * (white - black) / 255."""
    return [
        helper.make_node("Cast", [FACE], ["pixels"], to=TensorProto.FLOAT),
        *_ordered("pixels", "ordered", settings),
        helper.make_node("Transpose", ["ordered"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "step"], ["scaled"]),
        helper.make_node("Add", ["scaled", "black"], [picture]),
    ]


def _after(restored: str, settings: Settings) -> list[onnx.NodeProto]:
    """Back again, rounded to the nearest and kept within 0..255."""
    return [
        helper.make_node("Sub", [restored, "black"], ["from_black"]),
        helper.make_node("Mul", ["from_black", "steps"], ["levels"]),
        helper.make_node("Round", ["levels"], ["rounded"]),
        helper.make_node("Clip", ["rounded", "lowest", "highest"], ["clipped"]),
        helper.make_node("Transpose", ["clipped"], ["interleaved"], perm=[0, 2, 3, 1]),
        *_ordered("interleaved", "rgb", settings),
        helper.make_node("Cast", ["rgb"], [RESTORED], to=TensorProto.UINT8),
    ]


def _ordered(source: str, target: str, settings: Settings) -> list[onnx.NodeProto]:
    if settings.order == "rgb":
        return [helper.make_node("Identity", [source], [target])]
    return [helper.make_node("Gather", [source, "turned"], [target], axis=3)]


def _constants(settings: Settings) -> list[onnx.TensorProto]:
    black, white = settings.input_range
    numbers = {
        "step": (white - black) / _WHITE,
        "steps": _WHITE / (white - black),
        "black": black,
        "lowest": 0.0,
        "highest": _WHITE,
    }
    constants = [
        numpy_helper.from_array(np.array(value, np.float32), name)
        for name, value in numbers.items()
    ]
    if settings.order == "bgr":
        constants.append(numpy_helper.from_array(np.array([2, 1, 0], np.int64), "turned"))
    return constants
