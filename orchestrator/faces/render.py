"""What a renderer says about one face: where pixels go, and what is painted over them."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray


def _no_flow() -> NDArray[np.float32]:
    return np.zeros((0, 1, 1, 2), np.float32)


def _no_layers() -> NDArray[np.uint8]:
    return np.zeros((0, 1, 1, 1), np.uint8)


def _no_source() -> NDArray[np.int32]:
    return np.zeros(0, np.int32)


@dataclass(frozen=True)
class Geometry:
    """One face's render, in crop units; everything has a neutral default.

    Painted in this order: layers 0..L-1, `generated` through `mask`, `interior`.

    Attributes:
        flow: float32 [L,G,G,2], (dx, dy) in fractions of the crop side: output u shows source u+d.
        layers: uint8 [L,S,S,1], weight of each layer, 255 = opaque.
        source: int32 [L], 0 = this frame, r >= 1 = reference r.
        interior: uint8 [S,S,4], premultiplied full-range RGBA.
        generated: uint8 [S,S,3], RGB of the whole crop.
        mask: uint8 [S,S,1], weight of `generated`; all of the crop when it is absent.
    """

    flow: NDArray[np.float32] = field(default_factory=_no_flow)
    layers: NDArray[np.uint8] = field(default_factory=_no_layers)
    source: NDArray[np.int32] = field(default_factory=_no_source)
    interior: NDArray[np.uint8] | None = None
    generated: NDArray[np.uint8] | None = None
    mask: NDArray[np.uint8] | None = None

    def faded(self, weight: float) -> "Geometry":
        """The same render at a weight of 0 (nothing shows) to 1 (unchanged)."""
        if weight >= 1:
            return self
        mask = self.mask
        if mask is None and self.generated is not None:
            mask = np.full((*self.generated.shape[:2], 1), 255, np.uint8)
        return replace(
            self,
            layers=_scaled(self.layers, weight),
            interior=None if self.interior is None else _scaled(self.interior, weight),
            mask=None if mask is None else _scaled(mask, weight),
        )


def _scaled(codes: NDArray[np.uint8], weight: float) -> NDArray[np.uint8]:
    return np.asarray(np.rint(codes * np.float32(max(weight, 0))), np.uint8)
