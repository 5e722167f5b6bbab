"""Photos in HEIC and AVIF, which phones take and FFmpeg gives as separate tiles."""

from pathlib import Path

import numpy as np
import pi_heif
from av.video.frame import VideoFrame
from PIL import Image, ImageOps, UnidentifiedImageError

from client.errors import MediaError
from orchestrator.media.opening import damaged, first_bytes

_FORMATS = ("HEIF", "AVIF")
# The brands of ISO/IEC 23008-12 and of AVIF, where a file begins.
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
_HEAD_BYTES = 12

pi_heif.register_heif_opener()


def is_heif(path: Path) -> bool:
    """Whether a file begins as one of these photos does.

    Raises:
        InputError: If there is no such file, or nothing in it.
    """
    head = first_bytes(path, _HEAD_BYTES)
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS


def read_heif(path: Path) -> VideoFrame:
    """Decodes a photo, upright, as 8-bit RGB or RGBA.

    Raises:
        MediaError: If it cannot be decoded.
    """
    try:
        with Image.open(path, formats=_FORMATS) as stored:
            picture = ImageOps.exif_transpose(stored)
            see_through = picture.has_transparency_data
            pixels = np.asarray(picture.convert("RGBA" if see_through else "RGB"))
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError) as error:
        raise MediaError(damaged(path)) from error
    except Image.DecompressionBombError as error:
        raise MediaError(f"{path} is too large to be a photo: give a smaller one.") from error
    return VideoFrame.from_ndarray(pixels, format="rgba" if see_through else "rgb24")
