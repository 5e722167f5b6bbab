"""A finished model as a network: run from its file, and written as the bytes that it has."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.tensors import TensorSpec
from export.family import Arrays
from export.onnx_network import run_session, session
from export.precision import Precision


@dataclass
class OnnxFileNetwork:
    """An ONNX file.

    Attributes:
        path: The file.
        beside: Files with weights of it, relative to its folder.
        inputs: What it takes, without the batch axis.
        outputs: What it gives, without the batch axis.
        precision: In what it computes.
        format: What it is.
    """

    path: Path
    beside: Sequence[Path]
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    precision: Precision
    format: str = "onnx"

    def run(self, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
        """Runs it under ONNX Runtime on the processor."""
        return run_session(self._session, self.outputs, arrays)

    def write_onnx(self, path: Path, examples: Arrays) -> None:
        """Copies it, and the weights beside it."""
        del examples
        shutil.copyfile(self.path, path)
        for name in self.beside:
            target = path.parent / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.path.parent / name, target)

    @cached_property
    def _session(self) -> Any:
        return session(self.path)


@dataclass
class ScriptFileNetwork:
    """A TorchScript archive.

    Attributes:
        path: The file.
        inputs: What it takes, without the batch axis.
        outputs: What it gives, without the batch axis.
        precision: In what it computes.
        format: What it is.
    """

    path: Path
    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    precision: Precision
    format: str = "torchscript"

    def run(self, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
        """Runs it under torch on the processor."""
        from export.torch_network import run_torchscript

        return run_torchscript(self.path, self.inputs, self.outputs, arrays)

    def write_torchscript(self, path: Path, examples: Arrays) -> None:
        """Copies it."""
        del examples
        shutil.copyfile(self.path, path)
