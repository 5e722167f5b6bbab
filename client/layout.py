"""Where the rows of some tensors lie in a region of shared memory."""

from collections.abc import Iterable
from typing import TypeVar

import tritonclient.grpc.aio as triton

from client.region import Region
from client.tensors import Array, TensorSpec

ALIGNMENT = 64  # bytes; what vector instructions like best

Pointer = TypeVar("Pointer", triton.InferInput, triton.InferRequestedOutput)


class Layout:
    """Tensors of fixed size, one behind the other, with room for so many rows each.

    Attributes:
        names: Of the tensors.
        rows: Room for so many.
        size: Bytes of all.
    """

    def __init__(self, specs: Iterable[TensorSpec], rows: int) -> None:
        self.rows = rows
        self.size = 0
        self._places: dict[str, tuple[TensorSpec, int]] = {}
        for spec in specs:
            self._places[spec.name] = (spec, self.size)
            self.size += -(-rows * spec.row_bytes // ALIGNMENT) * ALIGNMENT
        self.names = frozenset(self._places)

    def view(self, region: Region, name: str, rows: int) -> Array:
        """Returns the first rows of a tensor, as they lie in a region."""
        spec, offset = self._places[name]
        return region.view(spec, rows, offset)

    def point(self, tensor: Pointer, region: Region, name: str, rows: int) -> Pointer:
        """Tells the server that the first rows of a tensor lie in a region."""
        spec, offset = self._places[name]
        tensor.set_shared_memory(region.name, rows * spec.row_bytes, offset)
        return tensor
