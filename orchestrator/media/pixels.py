"""Decoded pictures to upright 8-bit 4:2:0 planes.

YUV sources keep their matrix and range; they lose depth above 8 bits and chroma finer than 4:2:0.
Everything else (photos, RGB, palettes, grey, alpha) becomes limited-range BT.709.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from av.buffer import Buffer
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]

_LONGEST_PHOTO_SIDE = 3840  # the largest picture that H.264 players commonly show
_SWS_BICUBIC, _SWS_FULL_CHROMA, _SWS_ACCURATE = 0x4, 0x2000 | 0x4000, 0x40000
_PHOTO_SCALING = _SWS_BICUBIC | _SWS_FULL_CHROMA | _SWS_ACCURATE
_SWS_COLORSPACES = {
    "bt601": Colorspace.ITU601.value,
    "bt709": Colorspace.ITU709.value,
    "bt2020": 9,  # SWS_CS_BT2020, which PyAV does not name
}
# Matrix coefficients of ITU-T H.273; 4 (FCC) and 7 (SMPTE 240M) differ little from these.
_MATRICES = {1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 7: "bt709", 9: "bt2020", 10: "bt2020"}
_HD_HEIGHT = 720


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is turned to be upright: x' = xx·x + yx·y, y' = xy·x + yy·y.

    Each number is -1, 0 or 1. This covers quarter turns and mirror images.
    """

    xx: int
    xy: int
    yx: int
    yy: int

    @property
    def swaps_axes(self) -> bool:
        """Whether width becomes height."""
        return self.xx == 0

    def turn(self, plane: Plane) -> Plane:
        """Turns a plane [H,W]; the result may be a view."""
        if self.swaps_axes:
            return plane.T[:: self.xy, :: self.yx]
        return plane[:: self.yy, :: self.xx]


UPRIGHT = Orientation(1, 0, 0, 1)


def orientation_of(frame: VideoFrame) -> Orientation:
    """Reads the display matrix of a video, or EXIF's orientation of a photo."""
    side_data = cast("Mapping[str, Buffer]", frame.side_data)
    if "DISPLAYMATRIX" not in side_data:
        return UPRIGHT
    matrix = np.frombuffer(bytes(side_data["DISPLAYMATRIX"]), np.int32)
    xx, xy, yx, yy = (int(value) for value in matrix[[0, 1, 3, 4]])
    if abs(xy) + abs(yx) > abs(xx) + abs(yy):
        return Orientation(0, _sign(xy), _sign(yx), 0)
    return Orientation(_sign(xx), 0, 0, _sign(yy))


def matrix_name(code: int, height: int) -> str:
    """Names an H.273 matrix; an unknown one is guessed from the height, as players do."""
    return _MATRICES.get(code, "bt601" if height < _HD_HEIGHT else "bt709")


def is_yuv(pixel_format: VideoFormat) -> bool:
    """Whether pictures of a format keep their own matrix: three components, none of them alpha."""
    components = pixel_format.components
    return (
        len(components) == 3
        and not pixel_format.is_rgb
        and not any(component.is_alpha for component in components)
    )


def is_full_range(frame: VideoFrame) -> bool:
    """Whether the samples use all of 0..255."""
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")


def even(width: int, height: int) -> tuple[int, int]:
    """The size without an odd last column or row, which 4:2:0 cannot hold."""
    return width & ~1, height & ~1


def photo_size(width: int, height: int) -> tuple[int, int]:
    """The size of a photo in the video: its own, or less where players would give up."""
    scale = min(1.0, _LONGEST_PHOTO_SIDE / max(width, height))
    return round(width * scale), round(height * scale)


def video_planes(frame: VideoFrame, orientation: Orientation) -> Planes:
    """Planes of one picture of a video.

    Args:
        frame: As decoded.
        orientation: Applied to the planes.

    Returns:
        Y [H,W], U and V [H/2,W/2], uint8, C-contiguous, in their own memory.
    """
    if not is_yuv(frame.format):
        frame = _bt709(_rgb(frame, frame.width, frame.height))
    elif frame.format.name not in ("yuv420p", "yuvj420p"):
        # The name with a "j" keeps swscale from squeezing full range.
        full = frame.format.name.startswith("yuvj")
        frame = frame.reformat(format="yuvj420p" if full else "yuv420p")
    return _planes(frame, orientation)


def photo_planes(frame: VideoFrame, orientation: Orientation) -> Planes:
    """Planes of a photo in limited-range BT.709; alpha lies over black. As `video_planes`."""
    return _planes(_bt709(_rgb(frame, *photo_size(frame.width, frame.height))), orientation)


def rows_of(plane: VideoPlane) -> Plane:
    """The memory of a plane as rows, each with its padding."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


def _rgb(frame: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
    components = frame.format.components
    see_through = frame.format.has_palette or any(part.is_alpha for part in components)
    matrix = matrix_name(frame.colorspace, frame.height)
    picture = frame.to_ndarray(
        format="rgba" if see_through else "rgb24",
        width=width,
        height=height,
        src_colorspace=_SWS_COLORSPACES[matrix],
        dst_colorspace=Colorspace.DEFAULT,
        src_color_range=ColorRange.JPEG if is_full_range(frame) else ColorRange.MPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=_PHOTO_SCALING,
    ).astype(np.uint8, copy=False)
    return _over_black(picture) if see_through else picture


def _over_black(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)


def _bt709(rgb: NDArray[np.uint8]) -> VideoFrame:
    width, height = even(rgb.shape[1], rgb.shape[0])
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb[:height, :width]), format="rgb24")
    return frame.reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=_PHOTO_SCALING,
    )


def _planes(frame: VideoFrame, orientation: Orientation) -> Planes:
    width, height = even(frame.width, frame.height)
    y, u, v = frame.planes
    return (
        _plane(y, width, height, orientation),
        _plane(u, width // 2, height // 2, orientation),
        _plane(v, width // 2, height // 2, orientation),
    )


def _plane(plane: VideoPlane, width: int, height: int, orientation: Orientation) -> Plane:
    return orientation.turn(rows_of(plane)[:height, :width]).copy(order="C")


def _sign(value: int) -> int:
    return -1 if value < 0 else 1
