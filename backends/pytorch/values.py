"""Arrays that Triton hands over, as TorchScript takes them, and back."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from backends.pytorch.signature import STRING, TORCH_TYPES
from backends.shared.config import Tensor

Array: TypeAlias = NDArray[np.generic]
Value: TypeAlias = Any  # a torch.Tensor, or a list of str


def to_value(array: Array, device: torch.device) -> Value:
    """Returns an input as `forward()` takes it; on the processor it shares the array's memory.

    Raises:
        ValueError: If it holds text that is not UTF-8.
    """
    if array.dtype == np.object_:
        return [element.decode() for element in array.ravel().tolist()]
    return torch.from_numpy(array).to(device)


def to_values(returned: Any) -> Sequence[Value]:
    """Returns the results of `forward()` one by one.

    Raises:
        RuntimeError: If it returned anything else than tensors and lists of text.
    """
    values: Sequence[Value] = returned if isinstance(returned, tuple) else [returned]
    for place, value in enumerate(values):
        is_text = isinstance(value, list) and all(isinstance(element, str) for element in value)
        if not is_text and not isinstance(value, torch.Tensor):
            raise RuntimeError(
                f"result {place} of forward() is a {type(value).__name__}; it can be a Tensor or a "
                "List[str]"
            )
    return values


def to_array(value: Value, declared: Tensor) -> Array:
    """Returns an output as Triton takes it; on the processor it shares the tensor's memory.

    Raises:
        ValueError: If it is not of the declared type, or has no axis.
    """
    found = STRING if isinstance(value, list) else str(value.dtype)
    if found != TORCH_TYPES.get(declared.data_type, STRING):
        raise ValueError(
            f"output {declared.name} is {declared.data_type} in config.pbtxt, but forward() "
            f"returns {found}; make them the same"
        )
    if isinstance(value, list):
        return np.array([element.encode() for element in value], dtype=np.object_)
    if value.ndim == 0:
        raise ValueError(
            f"output {declared.name} has no axis, which Triton cannot take; let forward() return "
            "at least one"
        )
    array: Array = value.numpy(force=True)
    return array
