"""Photos, RGB, palettes and transparent greys as limited-range BT.709 in 8-bit 4:2:0."""

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from orchestrator.media.tags import is_full_range, matrix_name

_LONGEST_PHOTO_SIDE = 3840  # the largest picture that H.264 players commonly show
_SWS_BICUBIC, _SWS_FULL_CHROMA, _SWS_ACCURATE = 0x4, 0x2000 | 0x4000, 0x40000
EXACT_SCALING = _SWS_BICUBIC | _SWS_FULL_CHROMA | _SWS_ACCURATE
_SWS_COLORSPACES = {
    "bt601": Colorspace.ITU601.value,
    "bt709": Colorspace.ITU709.value,
    "bt2020": 9,  # SWS_CS_BT2020, which PyAV does not name
}


def photo_size(width: int, height: int) -> tuple[int, int]:
    """The even size of a photo in the video: its own, or less where players would give up."""
    scale = min(1.0, _LONGEST_PHOTO_SIDE / max(width, height))
    return round(width * scale) & ~1, round(height * scale) & ~1


def as_bt709(frame: VideoFrame, *, photo: bool = False) -> VideoFrame:
    """Converts a picture; alpha lies over black. An odd last column or row is cut off."""
    size = photo_size(frame.width, frame.height) if photo else (frame.width, frame.height)
    return _bt709(_rgb(frame, *size))


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
        interpolation=EXACT_SCALING,
    ).astype(np.uint8, copy=False)
    return _over_black(picture) if see_through else picture


def _over_black(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)


def _bt709(rgb: NDArray[np.uint8]) -> VideoFrame:
    height, width = rgb.shape[0] & ~1, rgb.shape[1] & ~1
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb[:height, :width]), format="rgb24")
    return frame.reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        interpolation=EXACT_SCALING,
    )
