"""The parts of a Triton model configuration that this backend acts on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Tensor:
    """An input or output as the configuration declares it.

    Attributes:
        data_type: Triton's name of the type, such as `TYPE_FP32`.
        dims: Extents as the model sees them, without the batch axis; -1 is any.
    """

    name: str
    data_type: str
    dims: tuple[int, ...]

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Self:
        """Reads one entry of `input` or `output`; `reshape` stands before `dims`."""
        dims = entry["reshape"].get("shape", []) if "reshape" in entry else entry["dims"]
        return cls(entry["name"], entry["data_type"], tuple(int(extent) for extent in dims))


@dataclass(frozen=True)
class ModelConfig:
    """A model configuration.

    Attributes:
        max_batch_size: Largest batch.
        file_name: Name of the model file inside a version folder.
        instances: How many processes serve the model on this machine.
        graph_level: `optimization.graph.level`.
        parameters: `parameters`, the values as text.
    """

    name: str
    max_batch_size: int
    file_name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    instances: int
    graph_level: int
    parameters: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the JSON text that Triton hands to a backend."""
        config = json.loads(text)
        graph = config.get("optimization", {}).get("graph", {})
        parameters = config.get("parameters", {})
        return cls(
            name=config["name"],
            max_batch_size=int(config.get("max_batch_size", 0)),
            file_name=config.get("default_model_filename") or "model.onnx",
            inputs=tuple(Tensor.parse(entry) for entry in config.get("input", [])),
            outputs=tuple(Tensor.parse(entry) for entry in config.get("output", [])),
            instances=sum(int(g.get("count", 1)) for g in config.get("instance_group", [])) or 1,
            graph_level=int(graph.get("level", 0)),
            parameters={key: value["string_value"] for key, value in parameters.items()},
        )
