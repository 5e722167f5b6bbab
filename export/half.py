"""ONNX models that compute in float16, between inputs and outputs as they are."""

from collections.abc import Callable
from typing import Any

import onnx

from client.errors import InputError


def halved(model: onnx.ModelProto, stays: Callable[[str], bool] = lambda name: False) -> Any:
    """Returns a copy of a model that computes in float16.

    Args:
        model: What computes in float32.
        stays: Which nodes keep to that, by their names.

    Raises:
        InputError: If this ONNX Runtime cannot convert it.
    """
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16
        from onnxruntime.transformers.onnx_model import OnnxModel

        copied = onnx.ModelProto()
        copied.CopyFrom(model)
        kept = [node.name for node in copied.graph.node if stays(node.name)]
        converted = convert_float_to_float16(copied, keep_io_types=True, node_block_list=kept)
        OnnxModel(converted).topological_sort()  # it puts its casts at the end
    except (ImportError, ValueError, TypeError) as error:
        raise InputError(
            "ONNX Runtime cannot convert this model to float16; export it with --precision fp32."
        ) from error
    return converted
