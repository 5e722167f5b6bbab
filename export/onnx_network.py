"""An ONNX model as a network."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from client.errors import InputError
from client.tensors import TensorSpec
from export.half import halved
from export.onnx_file import declare, tensors

Arrays = Mapping[str, NDArray[np.generic]]

_QUIET = 3


class OnnxNetwork:
    """A model whose first axes are the batch.

    Attributes:
        model: The model, with all its weights inside.
        inputs: What it takes, without the batch axis.
        outputs: What it gives, without the batch axis.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        inputs: Sequence[TensorSpec] | None = None,
        outputs: Sequence[TensorSpec] | None = None,
    ) -> None:
        """Takes inputs and outputs from the graph where none are given."""
        weights = {tensor.name for tensor in model.graph.initializer}
        taken = [value for value in model.graph.input if value.name not in weights]
        self.model = model
        self.inputs: Sequence[TensorSpec] = tuple(inputs) if inputs is not None else _specs(taken)
        self.outputs: Sequence[TensorSpec] = (
            tuple(outputs) if outputs is not None else _specs(model.graph.output)
        )

    def run(self, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
        """Runs it under ONNX Runtime on the processor; arrays have a batch axis.

        Raises:
            InputError: If ONNX Runtime cannot run it.
        """
        return run_session(self._session, self.outputs, arrays)

    def write_onnx(self, path: Path, examples: Arrays) -> None:
        """Writes the model with its inputs and outputs declared; nothing has to be traced."""
        del examples
        onnx.save(self.model, path)
        declare(path, self.inputs, self.outputs)

    def in_half(self) -> "OnnxNetwork":
        """Returns a copy that computes in float16 between inputs and outputs as they are.

        Raises:
            InputError: If this ONNX Runtime cannot convert it.
        """
        return OnnxNetwork(halved(self.model), self.inputs, self.outputs)

    @cached_property
    def _session(self) -> Any:
        return session(self.model.SerializeToString())


def session(model: Path | bytes) -> Any:
    """Opens a model under ONNX Runtime on the processor.

    Raises:
        InputError: If it does not load.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own classes share no other root
        raise InputError(
            f"ONNX Runtime does not load the model: {' '.join(str(error).split())[:300]}"
        ) from error


def run_session(
    opened: Any, outputs: Sequence[TensorSpec], arrays: Arrays
) -> dict[str, NDArray[np.generic]]:
    """Runs a session.

    Raises:
        InputError: If it fails.
    """
    names = [spec.name for spec in outputs]
    taken = {value.name for value in opened.get_inputs()}
    try:
        found = opened.run(names, {n: a for n, a in arrays.items() if n in taken})
    except Exception as error:  # ONNX Runtime's own classes share no other root
        raise InputError(
            f"ONNX Runtime cannot run the model: {' '.join(str(error).split())[:300]}"
        ) from error
    return dict(zip(names, found, strict=True))


def _specs(values: Any) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(t.name, t.datatype, t.shape[1:]) for t in tensors(values))
