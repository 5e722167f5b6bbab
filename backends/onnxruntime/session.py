"""A session of ONNX Runtime, as the native backend would open it for a configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import onnxruntime as ort

from backends.onnxruntime.files import model_file, op_library
from backends.onnxruntime.providers import CUDA, Wish, wished_providers
from backends.onnxruntime.threads import Threads
from backends.shared.config import ModelConfig
from backends.shared.parameters import read_switch, read_whole

Key = TypeVar("Key")
Value = TypeVar("Value")

GRAPH_LEVELS = {
    0: ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    -1: ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    1: ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    2: ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
}
EXECUTION_MODES = {0: ort.ExecutionMode.ORT_SEQUENTIAL, 1: ort.ExecutionMode.ORT_PARALLEL}
SHRINKAGE = "memory.enable_memory_arena_shrinkage"
DEVICE_ALLOCATOR = "session.use_device_allocator_for_initializers"


@dataclass(frozen=True)
class Grant:
    """What Triton and the machine give an instance.

    Attributes:
        kind: `CPU` or `GPU`.
        device_id: Index of the GPU.
        cores: Processor cores that all instances of the model share.
    """

    kind: str
    device_id: int
    cores: int


@dataclass(frozen=True)
class Opened:
    """A session, and what it was opened with.

    Attributes:
        remarks: What differs from what was asked for.
    """

    session: ort.InferenceSession
    run_options: ort.RunOptions
    threads: Threads
    wish: Wish
    remarks: list[str]

    def describe(self) -> str:
        """Says where the model runs, as asked for and as it came, and how."""
        options = self.session.get_session_options()
        return (
            f"runs on {', '.join(self.session.get_providers())} (asked for "
            f"{', '.join(self.wish.names)}), {options.intra_op_num_threads} threads in an "
            f"operator, {options.inter_op_num_threads} across, {options.execution_mode.name}, "
            f"{options.graph_optimization_level.name}, "
            f"{self.threads.pieces or 'no'} pieces of a batch at once"
        )


def open_session(version_folder: Path, config: ModelConfig, grant: Grant) -> Opened:
    """Opens a model on the device that Triton granted.

    Args:
        version_folder: Folder of the model's version.
        config: Its configuration.
        grant: What the instance may use.

    Raises:
        ValueError: If a file is missing or cannot be loaded, a value is none that the backend
            knows, or CUDA does not load.
    """
    wish = wished_providers(config, grant.kind, grant.device_id)
    threads = Threads.of(config, grant.kind, grant.cores)
    options = session_options(config, threads)
    for name in config.op_libraries:
        _register(options, version_folder, name)
    path = model_file(version_folder, config.file_name)
    here = wish.without({*wish.names} - {*ort.get_available_providers()})
    session = _load(path, options, here)
    _check_cuda(session, grant)
    remarks = [*here.remarks, *_lost(session, here), *_config_remarks(config, grant)]
    return Opened(session, run_options(config, grant.kind), threads, wish, remarks)


def session_options(config: ModelConfig, threads: Threads) -> ort.SessionOptions:
    """Returns the session options that a configuration asks for.

    Args:
        config: The model's configuration.
        threads: The instance's threads.

    Raises:
        ValueError: If a parameter has a value that the native backend refuses.
    """
    options = ort.SessionOptions()
    values = config.parameters
    options.graph_optimization_level = GRAPH_LEVELS.get(config.graph_level, GRAPH_LEVELS[0])
    options.execution_mode = _choice(
        "execution_mode", read_whole(values, "execution_mode"), EXECUTION_MODES
    )
    options.intra_op_num_threads = threads.in_operator
    options.inter_op_num_threads = threads.across
    options.enable_cpu_mem_arena = read_switch(values, "enable_mem_arena", default=True)
    options.enable_mem_pattern = read_switch(values, "enable_mem_pattern", default=True)
    if DEVICE_ALLOCATOR in values:
        options.add_session_config_entry(DEVICE_ALLOCATOR, values[DEVICE_ALLOCATOR])
    # Every instance is a process with threads of its own: waiting ones must leave the cores free.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def run_options(config: ModelConfig, kind: str) -> ort.RunOptions:
    """Returns the options of every run.

    Args:
        config: The model's configuration.
        kind: `CPU` or `GPU`; an instance on the CPU has no arena of a GPU that could shrink.
    """
    options = ort.RunOptions()
    arenas = [arena for arena in config.parameters.get(SHRINKAGE, "").split(";") if arena]
    here = [arena for arena in arenas if kind == "GPU" or not arena.startswith("gpu")]
    if here:
        options.add_run_config_entry(SHRINKAGE, ";".join(here))
    return options


def _load(path: Path, options: ort.SessionOptions, wish: Wish) -> ort.InferenceSession:
    try:
        # Without its fallback, which would open the model with providers nobody asked for.
        return ort.InferenceSession(path, options, providers=wish.providers, enable_fallback=0)
    except Exception as error:
        raise ValueError(
            f"{path.parent.name}/{path.name} does not load in ONNX Runtime {ort.__version__}: "
            f"{' '.join(str(error).split())}"
        ) from error


def _register(options: ort.SessionOptions, version_folder: Path, name: str) -> None:
    path = op_library(version_folder, name)
    try:
        options.register_custom_ops_library(str(path))
    except Exception as error:
        raise ValueError(
            f"the op library {name} of config.pbtxt does not load: {' '.join(str(error).split())}"
        ) from error


def _check_cuda(session: ort.InferenceSession, grant: Grant) -> None:
    if grant.kind == "GPU" and CUDA not in session.get_providers():
        raise ValueError(
            f"a GPU instance was asked for, but {CUDA} does not load; install onnxruntime-gpu "
            "and its CUDA libraries beside the server, or serve on the CPU"
        )


def _lost(session: ort.InferenceSession, wish: Wish) -> list[str]:
    lost = [name for name in wish.names if name not in session.get_providers()]
    return [f"{name} is installed but does not load: the model runs without it" for name in lost]


def _config_remarks(config: ModelConfig, grant: Grant) -> list[str]:
    remarks = []
    if config.graph_level not in GRAPH_LEVELS:
        remarks.append(f"optimization.graph.level {config.graph_level} is unknown: taken as 0")
    if grant.kind != "GPU" and "gpu" in config.parameters.get(SHRINKAGE, ""):
        remarks.append(f"{SHRINKAGE} names a GPU, and this instance is on the CPU")
    return remarks


def _choice(name: str, value: Key, choices: Mapping[Key, Value]) -> Value:
    if value not in choices:
        known = ", ".join(str(choice) for choice in choices)
        raise ValueError(f"{name} is {value} in config.pbtxt; it can be {known}")
    return choices[value]
