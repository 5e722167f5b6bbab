"""What pictures say of their colour."""

from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

# Matrix coefficients of ITU-T H.273; 4 (FCC) and 7 (SMPTE 240M) differ little from these.
_MATRICES = {1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 7: "bt709", 9: "bt2020", 10: "bt2020"}
_HD_HEIGHT = 720


def matrix_name(code: int, height: int) -> str:
    """Names an H.273 matrix; an unknown one is guessed from the height, as players do."""
    return _MATRICES.get(code, "bt601" if height < _HD_HEIGHT else "bt709")


def is_full_range(frame: VideoFrame) -> bool:
    """Whether the samples use all codes."""
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")


def is_grey(pixel_format: VideoFormat) -> bool:
    """Whether pictures have luma only, in whole numbers of 8 to 16 bits."""
    name, components = pixel_format.name, pixel_format.components
    return name.startswith("gray") and name[4:5] != "f" and components[0].bits <= 16


def is_yuv(pixel_format: VideoFormat) -> bool:
    """Whether pictures keep their own planes and matrix, grey ones among them."""
    if pixel_format.is_rgb or pixel_format.name.startswith("xyz"):
        return False
    return len(pixel_format.components) >= 3 or is_grey(pixel_format)
