"""How a picture's Y, U and V relate to RGB, and where its chroma samples sit."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.geometry import Affine

# Kr and Kb of ITU-R BT.601, BT.709 and BT.2020 (non-constant luminance).
_LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
# Offset (x, y) of chroma sample (0, 0) from luma sample (0, 0), in luma pixels.
_CHROMA_OFFSETS = {"left": (0.0, 0.5), "center": (0.5, 0.5), "topleft": (0.0, 0.0)}


@dataclass(frozen=True)
class Colour:
    """Matrix, range and chroma siting of 8-bit 4:2:0 planes.

    Attributes:
        kr: Weight of red in luma.
        kb: Weight of blue in luma.
        full_range: Whether Y, U and V use all of 0..255; otherwise Y is 16..235, chroma 16..240.
        chroma_offset: (x, y) of the first chroma sample in luma pixels.
    """

    kr: float
    kb: float
    full_range: bool
    chroma_offset: tuple[float, float]

    @classmethod
    def named(cls, matrix: str, *, full_range: bool = False, chroma_location: str = "left") -> Self:
        """Builds a colour from names.

        Args:
            matrix: "bt601", "bt709" or "bt2020".
            full_range: Whether the planes use all of 0..255.
            chroma_location: "left", "center" or "topleft".

        Raises:
            KeyError: For any other name.
        """
        kr, kb = _LUMA_WEIGHTS[matrix]
        return cls(kr, kb, full_range, _CHROMA_OFFSETS[chroma_location])

    def chroma_affine(self, affine: Affine) -> Affine:
        """Turns an affine to luma pixel indices into one to chroma sample indices."""
        halved = affine / 2
        halved[:, 2] -= np.array(self.chroma_offset) / 2
        return halved

    def to_yuv(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Converts full-range RGB [H,W,3] to this colour's YUV [H,W,3]."""
        return _rounded(_mapped(rgb, self._rgb_to_yuv()))

    def to_rgb(self, yuv: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Converts this colour's YUV [H,W,3] to full-range RGB [H,W,3]."""
        forward = self._rgb_to_yuv()
        inverse = np.linalg.inv(forward[:, :3])
        return _rounded(_mapped(yuv, np.column_stack((inverse, -inverse @ forward[:, 3]))))

    def to_yuv_premultiplied(self, rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Converts premultiplied full-range RGBA [H,W,4] to float Y·a, U·a, V·a, a.

        The first three are in code values (0..255), the last is 0..1.
        """
        forward = self._rgb_to_yuv()
        # The offset of Y, U and V counts as much as the paint covers.
        rows = np.column_stack((forward[:, :3], forward[:, 3] / 255))
        return _mapped(rgba, np.vstack((rows, [0, 0, 0, 1 / 255])))

    def _rgb_to_yuv(self) -> NDArray[np.float64]:
        """The 3x4 matrix from full-range RGB codes to YUV codes."""
        luma = np.array([self.kr, 1 - self.kr - self.kb, self.kb])
        blue = (np.array([0, 0, 1]) - luma) / (2 * (1 - self.kb))
        red = (np.array([1, 0, 0]) - luma) / (2 * (1 - self.kr))
        spans = np.array([255, 255, 255] if self.full_range else [219, 224, 224])
        offsets = np.array([0 if self.full_range else 16, 128, 128])
        return np.column_stack((np.stack((luma, blue, red)) * (spans[:, None] / 255), offsets))


def _mapped(codes: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    mapped = cv2.transform(codes.astype(np.float32), matrix.astype(np.float32))
    return np.asarray(mapped, np.float32)


def _rounded(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(cv2.convertScaleAbs(np.maximum(values, 0)), np.uint8)
