"""Reading the part of the TFLite format that the MediaPipe face networks use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

Array = NDArray[Any]

_DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
_OPTIONS = {
    "ADD": tflite.AddOptions,
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "DEPTH_TO_SPACE": tflite.DepthToSpaceOptions,
    "MAX_POOL_2D": tflite.Pool2DOptions,
    "RESIZE_BILINEAR": tflite.ResizeBilinearOptions,
}
_KINDS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}
_SPARSE_VECTORS = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}


@dataclass(frozen=True)
class Operator:
    """One operator; tensors are named by their index.

    Attributes:
        kind: Name of the builtin operator, as in "CONV_2D".
        options: The operator's options table of the `tflite` package, if it has one.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    options: Any


class TfliteGraph:
    """The only subgraph of a TFLite model."""

    def __init__(self, content: bytes) -> None:
        self._model = tflite.Model.GetRootAs(content, 0)
        self._graph = self._model.Subgraphs(0)
        self.inputs = _integers(self._graph.InputsAsNumpy())
        self.outputs = _integers(self._graph.OutputsAsNumpy())

    def operators(self) -> list[Operator]:
        """Returns the operators in execution order."""
        return [self._operator(i) for i in range(self._graph.OperatorsLength())]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Returns the shape of a tensor, its batch axis (of 1) included."""
        return _integers(self._graph.Tensors(tensor).ShapeAsNumpy())

    def stored(self, tensor: int) -> Array | None:
        """Returns the values stored in the file for a tensor, sparse ones made dense, or None."""
        table = self._graph.Tensors(tensor)
        content = self._model.Buffers(table.Buffer()).DataAsNumpy()
        if isinstance(content, int) or not content.size:  # the schema's accessor gives 0 for none
            return None
        values = np.frombuffer(content.tobytes(), _DTYPES[table.Type()])
        sparsity = table.Sparsity()
        if sparsity is None:
            return values.reshape(self.shape(tensor))
        return _dense(values, sparsity, self.shape(tensor))

    def _operator(self, index: int) -> Operator:
        table = self._graph.Operators(index)
        code = self._model.OperatorCodes(table.OpcodeIndex())
        # Old files fill only the deprecated field, new ones both: the larger one is right.
        kind = _KINDS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        return Operator(
            kind,
            _integers(table.InputsAsNumpy()),
            int(table.Outputs(0)),
            _view(table.BuiltinOptions(), _OPTIONS[kind]) if kind in _OPTIONS else None,
        )


def _dense(values: Array, sparsity: Any, shape: tuple[int, ...]) -> Array:
    """Expands values stored sparsely along the last axis, the only layout these files have."""
    *outer, last = [sparsity.DimMetadata(i) for i in range(sparsity.DimMetadataLength())]
    if len(outer) + 1 != len(shape) or any(dim.Format() for dim in outer) or not last.Format():
        raise NotImplementedError("only weights that are sparse along the last axis are read")
    starts = _sparse_vector(last.ArraySegmentsType(), last.ArraySegments())
    columns = _sparse_vector(last.ArrayIndicesType(), last.ArrayIndices())
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    dense = np.zeros((len(starts) - 1, shape[-1]), values.dtype)
    dense[rows, columns] = values
    return dense.reshape(shape)


def _sparse_vector(kind: int, table: Any) -> NDArray[np.int64]:
    vector = _view(table, _SPARSE_VECTORS[kind]).ValuesAsNumpy()
    return np.asarray(vector, np.int64)


def _view(table: Any, kind: type) -> Any:
    """Reads a union member of the schema as its own type."""
    view = kind()
    view.Init(table.Bytes, table.Pos)
    return view


def _integers(values: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
