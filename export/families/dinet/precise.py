"""Parts of a network that stay in float32 where the rest computes in float16."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class Precise(nn.Module):
    """A module that `half()` leaves as it is, its parts included; it is moved as any other.

    Attributes:
        keeps_float32: Tells the export, whose ONNX graphs are converted when they are written.
    """

    keeps_float32 = True

    # What `half()`, `to()` and `cuda()` call, of this module and of all that it is part of.
    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(fn(tensor.new_empty(0)).device)

        return super()._apply(moved, recurse)
