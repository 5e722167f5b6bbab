"""TFLite to ONNX for the operators of the MediaPipe face networks.

TFLite keeps pictures as NHWC; the ONNX graph keeps them as NCHW, so every four-dimensional
activation is transposed in thought and only a RESHAPE has to do it in deed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from export.builtin.mediapipe.onnx_builder import OnnxBuilder
from export.builtin.mediapipe.tflite_graph import Operator, TfliteGraph

_SAME = tflite.Padding.SAME
_OHWI_TO_OIHW = (0, 3, 1, 2)
_1HWO_TO_O1HW = (3, 0, 1, 2)
_NHWC_TO_NCHW = (0, 3, 1, 2)
_NCHW_TO_NHWC = (0, 2, 3, 1)


def convert(graph: TfliteGraph, builder: OnnxBuilder, image: str) -> list[str]:
    """Appends the network to an ONNX graph.

    Args:
        graph: The network; it has one input.
        builder: The ONNX graph to extend.
        image: Name of the network's input there, float32 [B,3,H,W].

    Returns:
        Names of the outputs in the TFLite order; four-dimensional ones are NCHW.

    Raises:
        NotImplementedError: If the network uses an operator or option that is not converted.
    """
    conversion = _Conversion(graph, builder, {graph.inputs[0]: image})
    for operator in graph.operators():
        conversion.add(operator)
    return [conversion.names[tensor] for tensor in graph.outputs]


@dataclass
class _Conversion:
    """What is known while the operators are walked through."""

    graph: TfliteGraph
    builder: OnnxBuilder
    names: dict[int, str]
    weights: dict[int, NDArray[Any]] = field(default_factory=dict)

    def add(self, operator: Operator) -> None:
        """Converts one operator."""
        if operator.kind in ("DEQUANTIZE", "DENSIFY"):
            self.weights[operator.output] = self.weight(operator.inputs[0])
            return
        if operator.kind not in _HANDLERS:
            raise NotImplementedError(f"the TFLite operator {operator.kind} is not converted")
        self.names[operator.output] = _HANDLERS[operator.kind](self, operator)

    def weight(self, tensor: int) -> NDArray[Any]:
        """Returns a constant; half-precision weights become float32."""
        values = self.weights.get(tensor)
        if values is None:
            values = self.graph.stored(tensor)
        if values is None:
            raise NotImplementedError(f"the TFLite tensor {tensor} is not a constant")
        return values.astype(np.float32) if values.dtype == np.float16 else values

    def activated(self, name: str, activation: int) -> str:
        """Appends the activation that TFLite fuses into an operator."""
        if activation == tflite.ActivationFunctionType.NONE:
            return name
        if activation == tflite.ActivationFunctionType.RELU:
            return self.builder.emit("Relu", name)
        raise NotImplementedError(f"the fused activation {activation} is not converted")

    def pads(self, operator: Operator, kernel: tuple[int, int]) -> list[int]:
        """Returns ONNX pads (top, left, bottom, right) for TFLite's SAME or VALID."""
        options = operator.options
        if options.Padding() != _SAME:
            return [0, 0, 0, 0]
        height, width = self.graph.shape(operator.inputs[0])[1:3]
        top, bottom = _same_padding(height, kernel[0], options.StrideH())
        left, right = _same_padding(width, kernel[1], options.StrideW())
        return [top, left, bottom, right]


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Returns TFLite's SAME padding; the odd pixel is at the end."""
    steps = -(-size // stride)
    total = max((steps - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _conv(conversion: _Conversion, operator: Operator) -> str:
    weight = conversion.weight(operator.inputs[1]).transpose(_OHWI_TO_OIHW)
    return _convolution(conversion, operator, weight, groups=1)


def _depthwise_conv(conversion: _Conversion, operator: Operator) -> str:
    weight = conversion.weight(operator.inputs[1]).transpose(_1HWO_TO_O1HW)
    channels = conversion.graph.shape(operator.inputs[0])[3]
    return _convolution(conversion, operator, weight, groups=channels)


def _convolution(
    conversion: _Conversion, operator: Operator, weight: NDArray[np.float32], groups: int
) -> str:
    options, builder = operator.options, conversion.builder
    if (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
        raise NotImplementedError("dilated convolutions are not converted")
    kernel = (int(weight.shape[2]), int(weight.shape[3]))
    name = builder.emit(
        "Conv",
        conversion.names[operator.inputs[0]],
        builder.constant(weight),
        builder.constant(conversion.weight(operator.inputs[2])),
        kernel_shape=kernel,
        strides=[options.StrideH(), options.StrideW()],
        pads=conversion.pads(operator, kernel),
        group=groups,
    )
    return conversion.activated(name, options.FusedActivationFunction())


def _max_pool(conversion: _Conversion, operator: Operator) -> str:
    options = operator.options
    kernel = (options.FilterHeight(), options.FilterWidth())
    name = conversion.builder.emit(
        "MaxPool",
        conversion.names[operator.inputs[0]],
        kernel_shape=kernel,
        strides=[options.StrideH(), options.StrideW()],
        pads=conversion.pads(operator, kernel),
    )
    return conversion.activated(name, options.FusedActivationFunction())


def _add(conversion: _Conversion, operator: Operator) -> str:
    left, right = (conversion.names[tensor] for tensor in operator.inputs)
    name = conversion.builder.emit("Add", left, right)
    return conversion.activated(name, operator.options.FusedActivationFunction())


def _prelu(conversion: _Conversion, operator: Operator) -> str:
    slope = conversion.weight(operator.inputs[1]).transpose(2, 0, 1)
    name = conversion.names[operator.inputs[0]]
    return conversion.builder.emit("PRelu", name, conversion.builder.constant(slope))


def _pad(conversion: _Conversion, operator: Operator) -> str:
    begin, end = conversion.weight(operator.inputs[1])[list(_NHWC_TO_NCHW)].T
    pads = conversion.builder.integers(*begin, *end)
    return conversion.builder.emit("Pad", conversion.names[operator.inputs[0]], pads)


def _resize_bilinear(conversion: _Conversion, operator: Operator) -> str:
    if operator.options.AlignCorners() or not operator.options.HalfPixelCenters():
        raise NotImplementedError("only resizing with half-pixel centres is converted")
    before = conversion.graph.shape(operator.inputs[0])
    after = conversion.graph.shape(operator.output)
    scales = np.array([1, 1, after[1] / before[1], after[2] / before[2]], np.float32)
    return conversion.builder.emit(
        "Resize",
        conversion.names[operator.inputs[0]],
        "",
        conversion.builder.constant(scales),
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )


def _depth_to_space(conversion: _Conversion, operator: Operator) -> str:
    return conversion.builder.emit(
        "DepthToSpace",
        conversion.names[operator.inputs[0]],
        blocksize=operator.options.BlockSize(),
        mode="DCR",
    )


def _reshape(conversion: _Conversion, operator: Operator) -> str:
    name = conversion.names[operator.inputs[0]]
    if len(conversion.graph.shape(operator.inputs[0])) == 4:
        name = conversion.builder.emit("Transpose", name, perm=_NCHW_TO_NHWC)
    shape = conversion.builder.integers(-1, *conversion.graph.shape(operator.output)[1:])
    return conversion.builder.emit("Reshape", name, shape)


_HANDLERS: dict[str, Callable[[_Conversion, Operator], str]] = {
    "ADD": _add,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise_conv,
    "DEPTH_TO_SPACE": _depth_to_space,
    "MAX_POOL_2D": _max_pool,
    "PAD": _pad,
    "PRELU": _prelu,
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _resize_bilinear,
}
