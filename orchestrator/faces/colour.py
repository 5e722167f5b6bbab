"""How a picture's Y, U and V relate to RGB, and where its chroma samples sit."""

from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.geometry import Affine, shifted

Codes: TypeAlias = NDArray[np.floating[Any] | np.integer[Any]]

# Kr and Kb of ITU-R BT.601, BT.709 and BT.2020 (non-constant luminance).
_LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}


@dataclass(frozen=True)
class Colour:
    """Matrix, range, depth and chroma siting of YUV planes.

    Codes are those of ITU-T H.273: limited range has 219 and 224 steps of luma and chroma at 8 bits
    and as many times more at greater depth; full range uses every code for luma.

    Attributes:
        kr: Weight of red in luma.
        kb: Weight of blue in luma.
        full_range: Whether Y, U and V use all codes; otherwise at 8 bits Y is 16..235 and chroma
            16..240.
        bits: Depth of a sample.
        chroma_step: Luma pixels per chroma sample, x then y.
        chroma_offset: (x, y) of the first chroma sample in luma pixels.
    """

    kr: float
    kb: float
    full_range: bool
    bits: int
    chroma_step: tuple[int, int]
    chroma_offset: tuple[float, float]

    @classmethod
    def named(
        cls,
        matrix: str,
        *,
        full_range: bool = False,
        bits: int = 8,
        chroma_step: tuple[int, int] = (2, 2),
        chroma_offset: tuple[float, float] = (0.0, 0.5),
    ) -> Self:
        """Builds a colour from the name of its matrix: "bt601", "bt709" or "bt2020".

        Raises:
            KeyError: For any other name.
        """
        return cls(*_LUMA_WEIGHTS[matrix], full_range, bits, chroma_step, chroma_offset)

    @property
    def peak(self) -> int:
        """The largest code."""
        return (1 << self.bits) - 1

    def chroma_affine(self, affine: Affine) -> Affine:
        """Turns an affine to luma pixel indices into one to chroma sample indices."""
        step = np.array(self.chroma_step, np.float64)[:, None]
        return np.asarray(shifted(affine, *self.chroma_offset) / step)

    def to_yuv(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Converts full-range RGB [H,W,3] to this colour's codes [H,W,3], not rounded."""
        return _mapped(rgb, self._rgb_to_yuv())

    def to_rgb(self, yuv: Codes) -> NDArray[np.uint8]:
        """Converts this colour's codes [H,W,3] to full-range RGB [H,W,3]."""
        forward = self._rgb_to_yuv()
        inverse = np.linalg.inv(forward[:, :3])
        rgb = _mapped(yuv, np.column_stack((inverse, -inverse @ forward[:, 3])))
        return np.asarray(cv2.convertScaleAbs(np.maximum(rgb, 0)), np.uint8)

    def to_yuv_premultiplied(self, rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Converts premultiplied full-range RGBA [H,W,4] to float Y·a, U·a, V·a, a.

        The first three are in codes, the last is 0..1.
        """
        forward = self._rgb_to_yuv()
        # The offset of Y, U and V counts as much as the paint covers.
        rows = np.column_stack((forward[:, :3], forward[:, 3] / 255))
        return _mapped(rgba, np.vstack((rows, [0, 0, 0, 1 / 255])))

    def _rgb_to_yuv(self) -> NDArray[np.float64]:
        """The 3x4 matrix from full-range 8-bit RGB to YUV codes."""
        luma = np.array([self.kr, 1 - self.kr - self.kb, self.kb])
        blue = (np.array([0, 0, 1]) - luma) / (2 * (1 - self.kb))
        red = (np.array([1, 0, 0]) - luma) / (2 * (1 - self.kr))
        finer = 1 << (self.bits - 8)
        spans = np.full(3, self.peak) if self.full_range else np.array([219, 224, 224]) * finer
        offsets = np.array([0 if self.full_range else 16, 128, 128]) * finer
        return np.column_stack((np.stack((luma, blue, red)) * (spans[:, None] / 255), offsets))


def _mapped(codes: Codes, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    mapped = cv2.transform(codes.astype(np.float32, copy=False), matrix.astype(np.float32))
    return np.asarray(mapped, np.float32)
