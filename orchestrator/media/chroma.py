"""Where chroma samples sit among luma samples, and chroma planes on another grid."""

from dataclasses import dataclass
from typing import Literal, cast

import cv2
import numpy as np

from orchestrator.media.orientation import Orientation
from orchestrator.media.pixels import Plane

Siting = Literal["left", "center", "topleft"]

# FFmpeg's names of ITU-T H.273's chroma sample locations, with their places in luma pixels.
_LOCATIONS = {
    "left": (0.0, 0.5),
    "center": (0.5, 0.5),
    "topleft": (0.0, 0.0),
    "top": (0.5, 0.0),
    "bottomleft": (0.0, 1.0),
    "bottom": (0.5, 1.0),
}


@dataclass(frozen=True)
class ChromaGrid:
    """The places of chroma samples.

    Attributes:
        step: Luma pixels per chroma sample, x then y.
        offset: (x, y) of chroma sample (0, 0) in luma pixels.
    """

    step: tuple[int, int]
    offset: tuple[float, float]

    @classmethod
    def sited(cls, step: tuple[int, int], siting: Siting) -> "ChromaGrid":
        """The grid of a stored picture: co-sited, or in the middle of the pixels that it covers."""
        x, y = ((size - 1) / 2 for size in step)
        return cls(step, {"left": (0.0, y), "center": (x, y), "topleft": (0.0, 0.0)}[siting])

    def turned(self, orientation: Orientation) -> "ChromaGrid":
        """The grid after its picture of whole chroma samples is turned."""
        (step_x, step_y), (x, y) = self.step, self.offset
        if orientation.swaps_axes:
            x, y = _turned(x, step_x, orientation.xy), _turned(y, step_y, orientation.yx)
            return ChromaGrid((step_y, step_x), (y, x))
        x, y = _turned(x, step_x, orientation.xx), _turned(y, step_y, orientation.yy)
        return ChromaGrid(self.step, (x, y))

    def fitted(self, step: tuple[int, int]) -> "ChromaGrid":
        """The grid that planes have after `resampled` to another step."""
        x, y = map(_fitted, self.offset, self.step, step)
        return ChromaGrid(step, (x, y))


def nearest_location(offset: tuple[float, float]) -> str:
    """FFmpeg's name of the chroma location nearest to an offset."""

    def distance(name: str) -> float:
        x, y = _LOCATIONS[name]
        return abs(x - offset[0]) + abs(y - offset[1])

    return min(_LOCATIONS, key=distance)


def resampled(plane: Plane, source: ChromaGrid, target: ChromaGrid, highest: int) -> Plane:
    """Puts a chroma plane on a grid that `source.fitted` gave.

    Coarser samples are means; finer ones are interpolated (bicubic) at their true places.
    """
    return _interpolated(_averaged(plane, source, target), source, target, highest)


def _averaged(plane: Plane, source: ChromaGrid, target: ChromaGrid) -> Plane:
    factors = [max(1, new // old) for new, old in zip(target.step, source.step, strict=True)]
    if factors == [1, 1]:
        return plane
    size = (plane.shape[1] // factors[0], plane.shape[0] // factors[1])
    return cast(
        "Plane", cv2.resize(np.ascontiguousarray(plane), size, interpolation=cv2.INTER_AREA)
    )


def _interpolated(plane: Plane, source: ChromaGrid, target: ChromaGrid, highest: int) -> Plane:
    scales = [min(1.0, new / old) for new, old in zip(target.step, source.step, strict=True)]
    if scales == [1, 1]:
        return plane
    shifts = [
        (new - old) / step if scale < 1 else 0.0
        for new, old, step, scale in zip(
            target.offset, source.offset, source.step, scales, strict=True
        )
    ]
    affine = np.array([[scales[0], 0, shifts[0]], [0, scales[1], shifts[1]]])
    size = (round(plane.shape[1] / scales[0]), round(plane.shape[0] / scales[1]))
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(
        np.ascontiguousarray(plane), affine, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return cast("Plane", np.minimum(warped, highest).astype(plane.dtype, copy=False))


def _turned(offset: float, step: int, sign: int) -> float:
    return offset if sign > 0 else step - 1 - offset


def _fitted(offset: float, old: int, new: int) -> float:
    if new >= old:
        return offset + (new - old) / 2
    return offset * (new - 1) / (old - 1)
