"""The parts of a Triton model configuration that the backends act on."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Tensor:
    """An input or output as the configuration declares it.

    Attributes:
        data_type: Triton's name of the type, such as `TYPE_FP32`.
        dims: Extents as the model sees them, without the batch axis; -1 is any.
        optional: Whether a request may leave it out.
        is_ragged: Whether requests of different extents were to share a batch.
    """

    name: str
    data_type: str
    dims: tuple[int, ...]
    optional: bool = False
    is_ragged: bool = False

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Self:
        """Reads one entry of `input` or `output`; `reshape` stands before `dims`."""
        dims = entry["reshape"].get("shape", []) if "reshape" in entry else entry["dims"]
        return cls(
            entry["name"],
            entry["data_type"],
            tuple(int(extent) for extent in dims),
            optional=bool(entry.get("optional", False)),
            is_ragged=bool(entry.get("allow_ragged_batch", False)),
        )


@dataclass(frozen=True)
class Accelerator:
    """An entry of `optimization.execution_accelerators`."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Self:
        """Reads one entry."""
        return cls(entry["name"], dict(entry.get("parameters", {})))


@dataclass(frozen=True)
class ModelConfig:
    """A model configuration.

    Attributes:
        max_batch_size: Largest batch; 0 if the tensors have no batch axis.
        file_name: Name of the model file inside a version folder.
        instances: How many processes serve the model on this machine.
        graph_level: `optimization.graph.level`.
        parameters: `parameters`, the values as text.
        gpu_accelerators: Accelerators of instances on a GPU, in order.
        cpu_accelerators: Accelerators of every instance, in order.
        op_libraries: `model_operations.op_library_filename`.
        fields: The names of all fields that are set.
    """

    name: str
    max_batch_size: int
    file_name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    instances: int
    graph_level: int
    parameters: Mapping[str, str]
    gpu_accelerators: tuple[Accelerator, ...] = ()
    cpu_accelerators: tuple[Accelerator, ...] = ()
    op_libraries: tuple[str, ...] = ()
    fields: frozenset[str] = field(default=frozenset(), compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the JSON text that Triton hands to a backend."""
        config = json.loads(text)
        optimization = config.get("optimization", {})
        accelerators = optimization.get("execution_accelerators", {})
        parameters = config.get("parameters", {})
        return cls(
            name=config["name"],
            max_batch_size=int(config.get("max_batch_size", 0)),
            file_name=config.get("default_model_filename") or "model.onnx",
            inputs=tuple(Tensor.parse(entry) for entry in config.get("input", [])),
            outputs=tuple(Tensor.parse(entry) for entry in config.get("output", [])),
            instances=_instances(config.get("instance_group", [])),
            graph_level=int(optimization.get("graph", {}).get("level", 0)),
            parameters={key: value.get("string_value", "") for key, value in parameters.items()},
            gpu_accelerators=_accelerators(accelerators, "gpu_execution_accelerator"),
            cpu_accelerators=_accelerators(accelerators, "cpu_execution_accelerator"),
            op_libraries=tuple(config.get("model_operations", {}).get("op_library_filename", [])),
            fields=frozenset(key for key, value in config.items() if value),
        )

    @property
    def is_batched(self) -> bool:
        """Whether the first axis of every tensor is the batch."""
        return self.max_batch_size > 0


def _instances(groups: Iterable[Mapping[str, Any]]) -> int:
    """A group has its count on every GPU that it names."""
    return sum(int(g.get("count", 1)) * max(1, len(g.get("gpus", []))) for g in groups) or 1


def _accelerators(accelerators: Mapping[str, Any], kind: str) -> tuple[Accelerator, ...]:
    return tuple(Accelerator.parse(entry) for entry in accelerators.get(kind, []))
