"""A TorchScript model in this process."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from backends.pytorch.settings import Settings
from backends.pytorch.signature import TENSOR, Forward
from backends.pytorch.weights import share_weights

_RAISED = re.compile(r"^[\w.]*(?:Error|Exception): (.+)$", re.MULTILINE)


class Script:
    """A model that is loaded.

    Attributes:
        forward: What it takes and returns.
        shared_bytes: Size of the weights that it shares with other instances.
    """

    def __init__(self, path: Path, settings: Settings, device: torch.device | None) -> None:
        """Loads a model.

        Args:
            path: Its file, written by `torch.jit.save`.
            settings: How it is to be run; also sets up this process.
            device: Where it runs; None leaves its weights where they were saved.

        Raises:
            ValueError: If torch cannot read the file, or the model has no `forward()`.
        """
        _set_up(settings)
        self._settings = settings
        self._where = f"{path.parent.name}/{path.name}"
        self._cleans = settings.cleans_cache and (device is None or device.type == "cuda")
        with self.mode():
            self._module = _loaded(path, self._where, device)
            self.shared_bytes = share_weights(self._module, path) if settings.shares_weights else 0
        self.forward = _forward_of(self._module, self._where)

    def __call__(self, arguments: Sequence[Any]) -> Any:
        """Runs `forward()`; in `mode`, like all that is done with what it takes and returns.

        Raises:
            RuntimeError: If that fails; says why in one line.
        """
        try:
            with torch.jit.optimized_execution(self._settings.is_optimized):
                return self._module(*arguments)
        except Exception as error:  # a script may raise anything
            raise RuntimeError(f"forward() of {self._where} failed: {_reason(error)}") from error
        finally:
            if self._cleans and torch.cuda.is_initialized():
                torch.cuda.empty_cache()

    @contextmanager
    def mode(self) -> Iterator[None]:
        """The thread's mode in which the model's tensors are made: without gradients."""
        with torch.inference_mode(self._settings.in_inference_mode), torch.no_grad():
            yield


def _set_up(settings: Settings) -> None:
    """Sets what counts for the whole process, which is one instance's own."""
    torch.set_num_threads(settings.intra_op_threads)
    torch.set_num_interop_threads(settings.inter_op_threads)
    torch.backends.cudnn.enabled = settings.has_cudnn
    if settings.jit_executor is not None:
        torch._C._jit_set_profiling_executor(settings.jit_executor)
    if settings.jit_profiling is not None:
        torch._C._jit_set_profiling_mode(settings.jit_profiling)
    if settings.tensor_fuser is not None:
        torch._C._jit_set_texpr_fuser_enabled(settings.tensor_fuser)


def _loaded(path: Path, where: str, device: torch.device | None) -> torch.jit.ScriptModule:
    try:
        return torch.jit.load(path, map_location=device)
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0].partition(". ")[0]
        raise ValueError(
            f"{where} is no TorchScript model that torch {torch.__version__} can read ({reason}); "
            "write it with torch.jit.save"
        ) from error


def _forward_of(module: torch.jit.ScriptModule, where: str) -> Forward:
    if not hasattr(module, "forward"):
        raise ValueError(f"the model in {where} has no forward(); export one that has")
    schema = module.forward.schema
    arguments = [a for a in schema.arguments if a.type.kind() != "ClassType"]
    returned = schema.returns[0].type
    results = returned.elements() if returned.kind() == "TupleType" else [returned]
    return Forward(
        {argument.name: _name(argument.type) for argument in arguments}, [*map(_name, results)]
    )


def _reason(error: Exception) -> str:
    """The line that matters: a script's whole trace stands before it."""
    text = str(error).strip()
    raised = _RAISED.findall(text)
    return raised[-1] if raised else text.partition("\n")[0]


def _name(kind: Any) -> str:
    return TENSOR if kind.kind() == "TensorType" else str(kind.annotation_str)
