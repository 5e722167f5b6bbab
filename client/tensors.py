"""Tensor specifications as a Triton server states them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

NUMPY_TYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "INT8": np.int8,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}


@dataclass(frozen=True)
class TensorSpec:
    """Name, data type and shape of one tensor, without the batch axis.

    Attributes:
        name: Tensor name.
        datatype: Triton's name of the type, such as "FP32".
        shape: Extent of each axis; -1 where the model leaves it open.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The numpy type of the tensor."""
        return np.dtype(NUMPY_TYPES[self.datatype])

    @property
    def row_bytes(self) -> int:
        """Bytes of the tensor in one row of a batch; for shapes that leave nothing open."""
        return prod(self.shape) * self.dtype.itemsize

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether a shape, without the batch axis, is one of this specification."""
        return _fits(shape, self.shape)

    def accepts(self, array: Array) -> bool:
        """Whether `array`, batch axis included, fits this specification."""
        return array.dtype == self.dtype and self.fits(array.shape[1:])

    def __str__(self) -> str:
        """Writes the tensor as `name FP32 [68, 2]`."""
        return f"{self.name} {self.datatype} {list(self.shape)}"


def _fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    return len(shape) == len(wanted) and all(
        w in (-1, s) for s, w in zip(shape, wanted, strict=True)
    )
