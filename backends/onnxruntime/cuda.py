"""Options of ONNX Runtime's CUDA provider, from both places where a configuration has them."""

from collections.abc import Mapping
from typing import NamedTuple

from backends.shared.parameters import read_switch, read_whole

CONVOLUTION_SEARCHES = ("EXHAUSTIVE", "HEURISTIC", "DEFAULT")
ARENA_STRATEGIES = ("kNextPowerOfTwo", "kSameAsRequested")
DEFAULTS = {
    "cudnn_conv_algo_search": CONVOLUTION_SEARCHES[0],
    "arena_extend_strategy": ARENA_STRATEGIES[0],
    "do_copy_in_default_stream": "1",
}
SWITCHES = ("do_copy_in_default_stream", "use_ep_level_unified_stream")


class _Choice(NamedTuple):
    name: str
    values: tuple[str, ...]


_CHOICES = (
    _Choice("cudnn_conv_algo_search", CONVOLUTION_SEARCHES),
    _Choice("arena_extend_strategy", ARENA_STRATEGIES),
)


def cuda_options(
    accelerator: Mapping[str, str], parameters: Mapping[str, str], device_id: int
) -> dict[str, str]:
    """Returns the provider's options.

    Args:
        accelerator: Parameters of the accelerator `cuda`, which ONNX Runtime names.
        parameters: The model's own, in which four of them once stood; those come first.
        device_id: Index of the GPU.

    Raises:
        ValueError: If one has no such value.
    """
    for name in SWITCHES:
        read_switch(accelerator, name, default=False)
    given = {name: value for name, value in accelerator.items() if value}
    return DEFAULTS | given | _deprecated(parameters) | {"device_id": str(device_id)}


def _deprecated(parameters: Mapping[str, str]) -> dict[str, str]:
    options = {c.name: _chosen(parameters, c) for c in _CHOICES if c.name in parameters}
    for name in ("gpu_mem_limit", "do_copy_in_default_stream"):
        if name in parameters:
            options[name] = parameters[name]
    return options


def _chosen(parameters: Mapping[str, str], choice: _Choice) -> str:
    index = read_whole(parameters, choice.name)
    if not 0 <= index < len(choice.values):
        known = ", ".join(f"{i} ({value})" for i, value in enumerate(choice.values))
        raise ValueError(f"{choice.name} is {index} in config.pbtxt; it can be {known}")
    return choice.values[index]
