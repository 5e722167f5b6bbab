"""Parameters of the backends: values that they refuse, and keys that nobody reads."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from orchestrator.validation.config import MIRROR, Config
from orchestrator.validation.finding import Finding

_BOOLEAN = (re.compile(r"(?i)0|1|true|false|on|off"), "0 or 1")
_NATURAL = (re.compile(r"\s*[+-]?\d{1,9}"), "a whole number")
_SIZE = (re.compile(r"\d{1,20}"), "a number of bytes")
_ANY = (re.compile(r"(?s).*"), "anything")

KEYS = {
    "onnxruntime": {
        "execution_mode": (re.compile(r"[01]"), "0 (sequential) or 1 (parallel)"),
        "intra_op_thread_count": _NATURAL,
        "inter_op_thread_count": _NATURAL,
        "enable_mem_arena": _BOOLEAN,
        "enable_mem_pattern": _BOOLEAN,
        "memory.enable_memory_arena_shrinkage": (
            re.compile(r"((cpu|gpu):\d+;?)+"),
            "devices, such as cpu:0;gpu:0",
        ),
        "session.use_device_allocator_for_initializers": (re.compile(r"[01]"), "0 or 1"),
        "cudnn_conv_algo_search": (re.compile(r"[012]"), "0, 1 or 2"),
        "gpu_mem_limit": _SIZE,
        "arena_extend_strategy": (re.compile(r"[01]"), "0 or 1"),
        "do_copy_in_default_stream": _BOOLEAN,
    },
    "pytorch": {
        "DISABLE_OPTIMIZED_EXECUTION": _BOOLEAN,
        "INFERENCE_MODE": _BOOLEAN,
        "DISABLE_CUDNN": _BOOLEAN,
        "ENABLE_WEIGHT_SHARING": _BOOLEAN,
        "ENABLE_CACHE_CLEANING": _BOOLEAN,
        "ENABLE_TENSOR_FUSER": _BOOLEAN,
        "ENABLE_JIT_PROFILING": _BOOLEAN,
        "ENABLE_JIT_EXECUTOR": _BOOLEAN,
        "ENABLE_NVFUSER": _BOOLEAN,
        "INTRA_OP_THREAD_COUNT": _NATURAL,
        "INTER_OP_THREAD_COUNT": _NATURAL,
        "NUM_THREADS": _NATURAL,
        "NUM_INTEROP_THREADS": _NATURAL,
        "TORCH_COMPILE_OPTIONAL_PARAMETERS": _ANY,
    },
}
GRAPH_LEVELS = (-1, 0, 1, 2)


def values(config: Config) -> Iterator[Finding]:
    """A value that the backend does not know keeps the model from loading."""
    for key, (pattern, wanted) in KEYS.get(config.backend, {}).items():
        value = config.parameters.get(key)
        if value is not None and not pattern.fullmatch(value):
            yield Finding(
                "parameter",
                "error",
                config.place,
                f"The parameter {key} is {value!r}; the backend takes {wanted}.",
                "Correct or remove it.",
                config.parameter_line(key),
            )
    level = config.message.optimization.graph.level
    if config.backend == "onnxruntime" and level not in GRAPH_LEVELS:
        yield config.finding(
            "parameter",
            "optimization.graph.level",
            f"The graph level {level} is unknown to the backend, which then takes 0.",
            "Write -1, 1 or 2, or remove it.",
            level="warning",
        )


def unknown_keys(config: Config) -> Iterator[Finding]:
    """A key that is nearly one of the backend's is a mistake, and has no effect."""
    known = KEYS.get(config.backend, {})
    by_fold = {key.casefold(): key for key in known}
    for key in config.parameters:
        if key in known or key.startswith(MIRROR):
            continue
        close = get_close_matches(key.casefold(), by_fold, 1, cutoff=0.85)
        if close:
            yield Finding(
                "parameter-name",
                "warning",
                config.place,
                f"The backend {config.backend} does not read the parameter {key}.",
                f"Write {by_fold[close[0]]}, if that is meant.",
                config.parameter_line(key),
            )
