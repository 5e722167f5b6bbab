"""Session options and execution providers, as the native backend reads them from the config."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import onnxruntime as ort

from backends.shared.config import ModelConfig

Key = TypeVar("Key")
Value = TypeVar("Value")

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

GRAPH_LEVELS = {
    0: ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    -1: ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    1: ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    2: ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
}
EXECUTION_MODES = {
    "0": ort.ExecutionMode.ORT_SEQUENTIAL,
    "1": ort.ExecutionMode.ORT_PARALLEL,
}


def open_session(
    path: Path, config: ModelConfig, *, kind: str, device_id: int, cores: int
) -> ort.InferenceSession:
    """Opens a model on the device that Triton granted.

    Args:
        path: The model file.
        config: Its configuration.
        kind: `CPU` or `GPU`, the kind of the instance.
        device_id: Index of the GPU.
        cores: Processor cores that all instances of the model share.

    Raises:
        ValueError: If the file is missing, a parameter has no such value, or CUDA does not load.
    """
    if not path.is_file():
        raise ValueError(
            f"{path.parent.name}/{path.name} is missing; export the model, or correct "
            "default_model_filename in config.pbtxt"
        )
    providers: list[object] = [CPU]
    if kind == "GPU":
        providers.insert(0, (CUDA, {"device_id": device_id}))
    session = ort.InferenceSession(path, session_options(config, cores), providers=providers)
    if kind == "GPU" and CUDA not in session.get_providers():
        raise ValueError(
            f"a GPU instance was asked for, but {CUDA} does not load; install onnxruntime-gpu "
            "and its CUDA libraries beside the server, or serve on the CPU"
        )
    return session


def session_options(config: ModelConfig, cores: int) -> ort.SessionOptions:
    """Returns the session options that a configuration asks for.

    Raises:
        ValueError: If a parameter has a value that ONNX Runtime does not know.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = _choice(
        "optimization.graph.level", config.graph_level, GRAPH_LEVELS
    )
    options.execution_mode = _choice(
        "execution_mode", config.parameters.get("execution_mode", "0"), EXECUTION_MODES
    )
    share = max(1, cores // config.instances)
    options.intra_op_num_threads = _count(config, "intra_op_thread_count") or share
    options.inter_op_num_threads = _count(config, "inter_op_thread_count")
    options.enable_cpu_mem_arena = _count(config, "enable_mem_arena", default=1) != 0
    options.enable_mem_pattern = _count(config, "enable_mem_pattern", default=1) != 0
    # Every instance is a process with threads of its own: waiting ones must leave the cores free.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _choice(name: str, value: Key, choices: Mapping[Key, Value]) -> Value:
    if value not in choices:
        known = ", ".join(str(choice) for choice in choices)
        raise ValueError(f"{name} is {value} in config.pbtxt; it can be {known}")
    return choices[value]


def _count(config: ModelConfig, name: str, *, default: int = 0) -> int:
    text = config.parameters.get(name, str(default))
    if not text.isdecimal():
        raise ValueError(f"parameter {name} is {text!r} in config.pbtxt; write a whole number")
    return int(text)
