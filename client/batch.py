"""What one request carries: the rows of some calls, and the constant that they share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from client.constant import Constant
from client.tensors import Array

Inputs = Mapping[str, Array]


@dataclass(frozen=True)
class Batch:
    """Calls that travel together.

    Attributes:
        calls: The inputs of each call, with a batch axis; all have the same names.
        constant: Inputs that all of them share.
    """

    calls: Sequence[Inputs]
    constant: Constant | None = None

    @property
    def sizes(self) -> list[int]:
        """Rows of each call."""
        return [rows_of(call) for call in self.calls]

    @property
    def size(self) -> int:
        """Rows of all calls."""
        return sum(self.sizes)

    @property
    def names(self) -> list[str]:
        """Inputs that each call has of its own."""
        return list(self.calls[0])

    def joined(self, name: str) -> Array:
        """Returns an input of all calls, one behind the other."""
        parts = [call[name] for call in self.calls]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def split(self, outputs: Inputs) -> Iterator[dict[str, Array]]:
        """Yields the outputs of each call."""
        start = 0
        for size in self.sizes:
            yield {name: array[start : start + size] for name, array in outputs.items()}
            start += size


def rows_of(inputs: Inputs) -> int:
    """Returns the batch size of a call."""
    return len(next(iter(inputs.values()), ()))
