"""A model configuration for tests of the backends."""

from typing import Any

from backends.shared.config import ModelConfig, Tensor

CONFIG = ModelConfig(
    name="toy",
    max_batch_size=8,
    file_name="model.onnx",
    inputs=(Tensor("x", "TYPE_FP32", (3, -1)),),
    outputs=(Tensor("y", "TYPE_UINT8", (2,)),),
    instances=1,
    graph_level=0,
    parameters={},
)

JSON: dict[str, Any] = {
    "name": "toy",
    "max_batch_size": 8,
    "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": ["3", -1]}],
    "output": [{"name": "y", "data_type": "TYPE_UINT8", "dims": [2]}],
}
