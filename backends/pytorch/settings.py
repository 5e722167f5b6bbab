"""The native backend's parameters: their names, their defaults, and what they are set to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from backends.shared.parameters import read_switch, read_whole


@dataclass(frozen=True)
class Settings:
    """How a TorchScript model is run. What is None stays as torch has it.

    Attributes:
        intra_op_threads: Threads of one operation.
        inter_op_threads: Threads for what a model forks.
        is_optimized: Whether torch optimizes the graph before it runs it.
        in_inference_mode: Whether tensors are made without any trace for gradients.
        has_cudnn: Whether convolutions on a GPU may use cuDNN.
        shares_weights: Whether the instances of a model keep one copy of its weights.
        cleans_cache: Whether a GPU's unused memory is given back after every run.
        jit_executor: Whether torch's profiling executor runs the graph, not the older one.
        jit_profiling: Whether that executor watches the first runs, to specialize the graph.
        tensor_fuser: Whether operations are fused.
    """

    intra_op_threads: int
    inter_op_threads: int
    is_optimized: bool = True
    in_inference_mode: bool = True
    has_cudnn: bool = True
    shares_weights: bool = False
    cleans_cache: bool = False
    jit_executor: bool | None = None
    jit_profiling: bool | None = None
    tensor_fuser: bool | None = None

    @classmethod
    def parse(cls, parameters: Mapping[str, str], *, share: int) -> Self:
        """Reads the parameters of a configuration; those of other names are left alone.

        Args:
            parameters: `parameters`, the values as text.
            share: Cores that are this instance's own; its threads, where no parameter says so.

        Raises:
            ValueError: If a parameter has a value that cannot be read.
        """
        return cls(
            intra_op_threads=_threads(parameters, "INTRA_OP_THREAD_COUNT", share),
            inter_op_threads=_threads(parameters, "INTER_OP_THREAD_COUNT", share),
            is_optimized=not read_switch(parameters, "DISABLE_OPTIMIZED_EXECUTION", default=False),
            in_inference_mode=read_switch(parameters, "INFERENCE_MODE", default=True),
            has_cudnn=not read_switch(parameters, "DISABLE_CUDNN", default=False),
            shares_weights=read_switch(parameters, "ENABLE_WEIGHT_SHARING", default=False),
            cleans_cache=read_switch(parameters, "ENABLE_CACHE_CLEANING", default=False),
            jit_executor=_wish(parameters, "ENABLE_JIT_EXECUTOR"),
            jit_profiling=_wish(parameters, "ENABLE_JIT_PROFILING"),
            tensor_fuser=_wish(parameters, "ENABLE_TENSOR_FUSER"),
        )

    def describe(self) -> str:
        """Says how a model runs, in a line of a log."""
        switches = {
            "optimized execution": self.is_optimized,
            "inference mode": self.in_inference_mode,
            "cuDNN": self.has_cudnn,
            "cache cleaning": self.cleans_cache,
            "JIT executor": self.jit_executor,
            "JIT profiling": self.jit_profiling,
            "tensor fuser": self.tensor_fuser,
            "weight sharing": self.shares_weights,
        }
        known = {name: "on" if on else "off" for name, on in switches.items() if on is not None}
        threads = f"{self.intra_op_threads} intra-op and {self.inter_op_threads} inter-op threads"
        return ", ".join([threads, *(f"{name} {state}" for name, state in known.items())])


def _threads(parameters: Mapping[str, str], name: str, share: int) -> int:
    """Like the native backend, takes a count below 1 for none."""
    count = read_whole(parameters, name)
    return count if count > 0 else share


def _wish(parameters: Mapping[str, str], name: str) -> bool | None:
    return read_switch(parameters, name, default=False) if name in parameters else None
