"""A window of one picture around a face, and crop textures placed on it."""

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.geometry import Affine, Region, covered_region, texture_matrix

Pixels: TypeAlias = NDArray[np.float32]
"""[h,w,C] in code values; OpenCV interpolates one channel of floats cubically faster than bytes."""
Texture = TypeVar("Texture", NDArray[np.uint8], NDArray[np.float32])

_REDUCE_BELOW = 0.75  # native pixels per texel; closer to 1, interpolation alone does not alias


@dataclass(frozen=True)
class Source:
    """Pixels [H,W,C] to sample, and the crop's place among them."""

    pixels: Pixels | NDArray[np.uint8] | NDArray[np.uint16]
    affine: Affine


@dataclass(frozen=True)
class Surface:
    """Luma, or both chroma planes, of the window that a face is painted in.

    Attributes:
        untouched: float32 [h,w,C], the frame before anything was painted.
        painted: float32 [h,w,C], painted in place.
        affine: The crop, in indices of the window.
        channels: Which of Y, U, V it holds.
        interpolation: OpenCV's flag for moving its pixels.
        references: The same channels of the reference frames.
    """

    untouched: Pixels
    painted: Pixels
    affine: Affine
    channels: slice
    interpolation: int
    references: tuple[Source, ...]

    def source(self, index: int) -> Source:
        """The untouched frame for 0, reference `index` otherwise."""
        return self.references[index - 1] if index else Source(self.untouched, self.affine)

    def region(self, box: NDArray[np.float64]) -> Region:
        """Pixels under a box of the crop, [[x0,y0],[x1,y1]] in u."""
        return covered_region(self.affine, self.painted.shape[:2], box=box)

    def place(
        self,
        texture: Texture,
        region: Region,
        border: int = cv2.BORDER_CONSTANT,
        interpolation: int = cv2.INTER_LINEAR,
    ) -> Texture:
        """Resamples a crop texture [n,n] or [n,n,C] onto the pixels of a region."""
        matrix = texture_matrix(self.affine, texture.shape[0])
        matrix[:, 2] += matrix[:, :2] @ (region.x0, region.y0)
        placed = cv2.warpAffine(
            texture,
            matrix,
            (region.x1 - region.x0, region.y1 - region.y0),
            flags=interpolation | cv2.WARP_INVERSE_MAP,
            borderMode=border,
        )
        return np.asarray(placed, texture.dtype)

    def blend(self, region: Region, colours: Pixels, weights: NDArray[np.uint8]) -> None:
        """Mixes colours [h,w,C] into a region by weights [h,w], 255 = replace."""
        target = self.painted[region.slices]
        share = weights * np.float32(1 / 255)
        cv2.blendLinear(target, colours.reshape(target.shape), 1 - share, share, dst=target)


def fitted(texture: Texture, side: float) -> Texture:
    """Reduces a crop texture that is finer than the picture, so that it does not alias."""
    size = texture.shape[0]
    if side >= size * _REDUCE_BELOW:
        return texture
    target = max(round(side), 1)
    reduced = cv2.resize(texture, (target, target), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, texture.dtype)


def support(weights: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Bounding box of non-zero weights [n,n] as [[x0,y0],[x1,y1]] in u; None without any."""
    x, y, width, height = cv2.boundingRect(weights)
    if not width:
        return None
    # A texel reaches as far as its neighbour's centre.
    return np.array([[x - 0.5, y - 0.5], [x + width + 0.5, y + height + 0.5]]) / len(weights)
