"""The inputs that a sequence batcher adds to requests: start, end, ready and correlation ID."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_FLAGS = {
    "bool_false_true": "TYPE_BOOL",
    "int32_false_true": "TYPE_INT32",
    "fp32_false_true": "TYPE_FP32",
}


@dataclass(frozen=True)
class Control:
    """An input that the server makes."""

    name: str
    data_type: str


def controls_of(model_config: str) -> list[Control]:
    """Returns the control inputs that a configuration asks for.

    Args:
        model_config: The JSON text that Triton hands to a backend.

    Raises:
        ValueError: If the configuration asks for what a python-based backend cannot have.
    """
    batching = json.loads(model_config).get("sequence_batching", {})
    if batching.get("state"):
        raise ValueError(
            "sequence_batching.state is not available in the embedded server; keep the state in "
            "an input and an output, or serve the model with NVIDIA's container"
        )
    return [
        Control(entry["name"], data_type)
        for entry in batching.get("control_input", [])
        for data_type in _data_types(entry)
    ]


def _data_types(entry: Mapping[str, Any]) -> Iterator[str]:
    for control in entry.get("control", []):
        flags = [data_type for field, data_type in _FLAGS.items() if control.get(field)]
        yield flags[0] if flags else control.get("data_type", "")
