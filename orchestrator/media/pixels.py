"""Planes of pictures and their formats: what frames, the compositor and the encoder share."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

Plane = NDArray[np.uint8] | NDArray[np.uint16]
Planes = tuple[Plane, Plane, Plane]

_NAMES = {(2, 2): "yuv420p", (2, 1): "yuv422p", (1, 1): "yuv444p"}  # the poorest first


@dataclass(frozen=True)
class PixelFormat:
    """A format of Y, U and V planes that is worked in.

    Attributes:
        name: FFmpeg's, such as "yuv422p10le".
        bits: 8, or 10 as uint16 in 0..1023.
        chroma_step: Luma pixels per chroma sample, x then y: (2, 2), (2, 1) or (1, 1).
    """

    name: str
    bits: int
    chroma_step: tuple[int, int]

    @classmethod
    def of(cls, bits: int, chroma_step: tuple[int, int]) -> Self:
        """Names a format.

        Raises:
            KeyError: If the step is none of the three.
        """
        return cls(_NAMES[chroma_step] + ("" if bits == 8 else "10le"), bits, chroma_step)

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """Type of a sample."""
        return np.uint8 if self.bits == 8 else np.uint16

    def shapes(self, width: int, height: int) -> tuple[tuple[int, int], ...]:
        """Shapes [H,W] of the three planes of a picture."""
        step_x, step_y = self.chroma_step
        chroma = (height // step_y, width // step_x)
        return (height, width), chroma, chroma

    def fits(self, planes: Planes, width: int, height: int) -> bool:
        """Whether planes are a picture of this format and size."""
        return all(
            plane.shape == shape and plane.dtype == self.dtype
            for plane, shape in zip(planes, self.shapes(width, height), strict=True)
        )


YUV420P = PixelFormat.of(8, (2, 2))


def working_format(bits: int, chroma_step: tuple[int, int]) -> PixelFormat:
    """The format that loses nothing of an upright source but bits beyond the tenth.

    4:1:1, 4:4:0 and 4:1:0 become the poorest of the three formats that is no poorer.
    """
    step_x, step_y = chroma_step
    step = next(step for step in _NAMES if step[0] <= step_x and step[1] <= step_y)
    return PixelFormat.of(8 if bits <= 8 else 10, step)


def chroma_step(pixel_format: VideoFormat) -> tuple[int, int]:
    """Luma pixels per chroma sample of a decoder's format, x then y."""
    return 16 // pixel_format.chroma_width(16), 16 // pixel_format.chroma_height(16)


def rows_of(plane: VideoPlane) -> NDArray[np.uint8]:
    """The memory of a plane as rows of bytes, each with its padding."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


def picture_of(planes: Planes, pixel_format: PixelFormat) -> VideoFrame:
    """Copies planes into a picture for an encoder."""
    height, width = planes[0].shape
    picture = VideoFrame(width, height, pixel_format.name)
    for plane, samples in zip(picture.planes, planes, strict=True):
        rows_of(plane).view(pixel_format.dtype)[:, : samples.shape[1]] = samples
    return picture
