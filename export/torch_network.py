"""A torch module as a network: run as it is, or written for a server."""

import copy
import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from client.errors import OutputError
from client.tensors import TensorSpec
from export.half import halved
from export.onnx_file import declare

OPSET = 17

Arrays = Mapping[str, NDArray[np.generic]]


class TorchNetwork:
    """A module whose tensors have names.

    Attributes:
        module: Takes tensors in the order of `inputs`, gives one or a tuple in that of `outputs`;
            the first axis of every tensor is the batch.
        inputs: What it takes, without the batch axis.
        outputs: What it gives, without the batch axis.
    """

    def __init__(
        self, module: torch.nn.Module, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
    ) -> None:
        self.module = module.eval().requires_grad_(False)
        self.inputs: Sequence[TensorSpec] = tuple(inputs)
        self.outputs: Sequence[TensorSpec] = tuple(outputs)

    def run(self, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
        """Runs it; arrays have a batch axis."""
        return _run(self.module, self.inputs, self.outputs, arrays)

    def write_onnx(self, path: Path, examples: Arrays) -> None:
        """Writes it as an ONNX graph with an open batch axis and all other extents declared.

        Args:
            path: The file.
            examples: Inputs, batch axis included, that it is traced with.

        Raises:
            OutputError: If it has operations that ONNX does not.
        """
        names = [spec.name for spec in (*self.inputs, *self.outputs)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.onnx.export(
                    _with_names(self),
                    self._tensors(examples),
                    path,
                    input_names=[spec.name for spec in self.inputs],
                    output_names=[spec.name for spec in self.outputs],
                    dynamic_axes={name: {0: "batch"} for name in names},
                    opset_version=OPSET,
                    dynamo=False,
                )
            declare(path, self.inputs, self.outputs)
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise OutputError(
                f"The network cannot be written as ONNX ({_first_line(error)}); try "
                "--format torchscript."
            ) from error

    def write_torchscript(self, path: Path, examples: Arrays) -> None:
        """Writes it as a TorchScript archive whose `forward` has the inputs' names.

        Args:
            path: The file.
            examples: Inputs, batch axis included, that it is traced with.

        Raises:
            OutputError: If it cannot be traced.
        """
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                traced = torch.jit.trace(_with_names(self), self._tensors(examples))
                torch.jit.save(traced, str(path))
        except RuntimeError as error:
            raise OutputError(
                f"The network cannot be written as TorchScript ({_first_line(error)}); try "
                "--format onnx."
            ) from error

    def in_half(self) -> "HalfTorchNetwork":
        """Returns a copy whose `core` computes in float16; all of it, if it has no core."""
        return HalfTorchNetwork(self.module, self.inputs, self.outputs)

    def _tensors(self, arrays: Arrays) -> tuple[torch.Tensor, ...]:
        return _tensors(self.inputs, arrays)


class HalfTorchNetwork(TorchNetwork):
    """A module whose core computes in float16 once it is written.

    Modules inside the core with a true attribute `keeps_float32` stay as they are in ONNX; in
    TorchScript they see to it themselves.
    """

    def write_onnx(self, path: Path, examples: Arrays) -> None:
        """Writes it in float32 and converts that: few processors run a trace in float16."""
        super().write_onnx(path, examples)
        core = "/module/core/" if _has_core(self.module) else "/module/"
        whole = tuple(_scopes(self.module))
        half = halved(
            onnx.load(path), lambda name: not name.startswith(core) or name.startswith(whole)
        )
        onnx.save(half, path)
        declare(path, self.inputs, self.outputs)

    def write_torchscript(self, path: Path, examples: Arrays) -> None:
        """Writes a trace in float16, which takes minutes on a processor without such numbers."""
        module = copy.deepcopy(self.module)
        if _has_core(module):
            module.core = _HalfCore(module.core)
        else:
            module = _HalfCore(module)
        TorchNetwork(module, self.inputs, self.outputs).write_torchscript(path, examples)


def _has_core(module: torch.nn.Module) -> bool:
    return isinstance(getattr(module, "core", None), torch.nn.Module)


def _scopes(module: torch.nn.Module) -> Iterator[str]:
    """Beginnings of the names of nodes that keep to float32."""
    for name, part in module.named_modules():
        if getattr(part, "keeps_float32", False):
            yield f"/module/{name.replace('.', '/')}/"


def run_torchscript(
    path: Path, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], arrays: Arrays
) -> dict[str, NDArray[np.generic]]:
    """Runs an archive of torch.jit.save on the processor.

    Args:
        path: The archive.
        inputs: What its `forward` takes: by name if all are its arguments, else in order.
        outputs: What it gives, in order.
        arrays: Inputs by name, batch axis included.

    Raises:
        OutputError: If it does not load or run, or gives another number of outputs.
    """
    try:
        module = torch.jit.load(str(path), "cpu").eval()
        return _run(module, _in_order_of(module, inputs), outputs, arrays)
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise OutputError(
            f"The TorchScript model does not run on its inputs: {_first_line(error)}."
        ) from error


class _HalfCore(torch.nn.Module):
    """A network in float16 between tensors in float32."""

    def __init__(self, core: torch.nn.Module) -> None:
        super().__init__()
        self.core = core.half()

    def forward(self, *tensors: torch.Tensor) -> Any:
        found = self.core(*(t.half() if t.is_floating_point() else t for t in tensors))
        if isinstance(found, tuple | list):
            return tuple(_single(tensor) for tensor in found)
        return _single(found)


def _single(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


class _Served(torch.nn.Module):
    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module


def _with_names(network: TorchNetwork) -> torch.nn.Module:
    """Wraps a module so that its `forward` has the arguments of the contract.

    A server matches inputs to arguments by name, and tracing takes the names from the signature.
    """

    def forward(self: Any, *tensors: torch.Tensor) -> Any:
        return self.module(*tensors)

    names = ["self", *(spec.name for spec in network.inputs)]
    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    served: torch.nn.Module = type("Served", (_Served,), {"forward": forward})(network.module)
    return served.eval()


def _in_order_of(module: Any, inputs: Sequence[TensorSpec]) -> list[TensorSpec]:
    names = [argument.name for argument in module.forward.schema.arguments[1:]]
    if {spec.name for spec in inputs} <= set(names):
        return sorted(inputs, key=lambda spec: names.index(spec.name))
    return list(inputs)


def _run(
    module: Any, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], arrays: Arrays
) -> dict[str, NDArray[np.generic]]:
    with torch.no_grad():
        found = module(*_tensors(inputs, arrays))
    tensors = tuple(found) if isinstance(found, tuple | list) else (found,)
    return {spec.name: t.cpu().numpy() for spec, t in zip(outputs, tensors, strict=True)}


def _tensors(inputs: Sequence[TensorSpec], arrays: Arrays) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(np.array(arrays[spec.name])) for spec in inputs)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
