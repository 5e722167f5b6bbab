"""Tensors as Triton has them and as ONNX Runtime wants them, where the two differ."""

from collections.abc import Mapping

import numpy as np

from backends.onnxruntime.signature import STRINGS, Signature
from backends.shared.batching import Arrays
from backends.shared.config import ModelConfig


class Translation:
    """Turns inputs of requests into inputs of a session, and its outputs into answers.

    Triton's texts are bytes; and it has no tensor without axes, so that a single number is served
    with the dims that its configuration declares.
    """

    def __init__(self, config: ModelConfig, signature: Signature) -> None:
        """Finds the tensors that differ; all others are handed on untouched."""
        nodes = {**signature.inputs, **signature.optional}
        self._texts = [name for name, node in nodes.items() if node.type == STRINGS]
        self._numbers = [name for name, node in nodes.items() if not node.shape]
        self._dims: Mapping[str, tuple[int, ...]] = {
            tensor.name: tensor.dims
            for tensor in config.outputs
            if not signature.outputs[tensor.name].shape
        }

    def inputs(self, arrays: Arrays) -> Arrays:
        """Returns what a session is run with.

        Raises:
            ValueError: If a text is not UTF-8, or a single number has company.
        """
        changed = dict(arrays)
        for name in self._texts:
            if name in changed:
                changed[name] = _decoded(name, changed[name])
        for name in self._numbers:
            if name in changed:
                changed[name] = _alone(name, changed[name])
        return changed

    def outputs(self, arrays: Arrays) -> Arrays:
        """Returns what a request is answered with."""
        return {
            name: array.reshape(self._dims[name]) if name in self._dims else array
            for name, array in arrays.items()
        }


def _decoded(name: str, array: np.ndarray) -> np.ndarray:
    try:
        texts = [item.decode() if isinstance(item, bytes) else item for item in array.flat]
    except UnicodeDecodeError as error:
        raise ValueError(f"input {name} holds a text that is not UTF-8 ({error})") from error
    return np.array(texts, dtype=object).reshape(array.shape)


def _alone(name: str, array: np.ndarray) -> np.ndarray:
    if array.size != 1:
        raise ValueError(f"input {name} is a single number, got shape {list(array.shape)}")
    return array.reshape(())
