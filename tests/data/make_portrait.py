"""Make portrait.jpg and portrait.mp4: a public-domain portrait under a gently moving camera.

Run from anywhere with the development packages installed:
    python tests/data/make_portrait.py
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from skimage import data

FOLDER: Final = Path(__file__).parent
WIDTH: Final = 960
HEIGHT: Final = 720
FRAME_RATE: Final = 25
FRAMES: Final = 150
CROP_WIDTH: Final = 456.0
"""Width of the view in pixels of the photo, before the zoom."""
VIEW_CENTRE: Final = (240.0, 173.0)
"""Middle of the view in the photo: the face sits above it, with room over the hair."""
OVERSAMPLING: Final = 4
"""The photo is enlarged once, so that sub-pixel motion is far finer than the warp's fixed point."""
BT709: Final = 1
LIMITED_RANGE: Final = 1

Image = npt.NDArray[np.uint8]


def enlarge(photo: Image) -> Image:
    """Return the photo enlarged with Lanczos and lightly sharpened."""
    size = (photo.shape[1] * OVERSAMPLING, photo.shape[0] * OVERSAMPLING)
    large = cv2.resize(photo, size, interpolation=cv2.INTER_LANCZOS4)
    blurred = cv2.GaussianBlur(large, (0, 0), 0.6 * OVERSAMPLING)
    return np.asarray(cv2.addWeighted(large, 1.5, blurred, -0.5, 0), np.uint8)


def camera(time_s: float) -> tuple[float, float, float, float]:
    """Return pan x, pan y (pixels of the photo), zoom and roll (radians) of a hand-held camera."""
    pan_x = 5.0 * math.sin(2 * math.pi * time_s / 5.3) + 1.2 * math.sin(2 * math.pi * time_s / 1.9)
    pan_y = 2.5 * math.sin(2 * math.pi * time_s / 4.1 + 1.0) + 0.8 * math.sin(7.0 * time_s)
    zoom = 1.025 - 0.025 * math.cos(2 * math.pi * time_s / 7.0)
    roll = math.radians(1.1) * math.sin(2 * math.pi * time_s / 4.7 + 0.4)
    return pan_x, pan_y, zoom, roll


def view(time_s: float) -> npt.NDArray[np.float64]:
    """Return the 2x3 affine from output pixels to pixels of the enlarged photo."""
    pan_x, pan_y, zoom, roll = camera(time_s)
    scale = CROP_WIDTH / zoom / WIDTH
    turn = scale * np.array(
        [[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]], np.float64
    )
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    shift = np.array([VIEW_CENTRE[0] + pan_x, VIEW_CENTRE[1] + pan_y]) - turn @ middle
    affine = np.column_stack([turn, shift]) * OVERSAMPLING
    affine[:, 2] += (OVERSAMPLING - 1) / 2  # pixel centres of the enlarged photo
    return affine


def shoot(large: Image, index: int) -> Image:
    """Return output frame ``index`` as RGB."""
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    frame = cv2.warpAffine(
        large,
        view(index / FRAME_RATE),
        (WIDTH, HEIGHT),
        flags=flags,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(frame, np.uint8)


def to_yuv(rgb: Image) -> av.VideoFrame:
    """Return the picture as limited-range BT.709 yuv420p."""
    return av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC,
    )


def add_stream(container: av.container.OutputContainer) -> Any:
    """Add the H.264 stream with the tags of limited-range BT.709."""
    options = {"crf": "17", "preset": "veryslow"}
    stream = container.add_stream("libx264", rate=FRAME_RATE, options=options)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context: Any = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED_RANGE
    return stream


def write_video(large: Image, path: Path) -> None:
    """Encode the whole clip."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = add_stream(container)
        for index in range(FRAMES):
            container.mux(stream.encode(to_yuv(shoot(large, index))))
        container.mux(stream.encode())


def main() -> None:
    """Write both files beside this script."""
    astronaut: Callable[[], Image] = data.astronaut
    photo = astronaut()
    jpeg = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(FOLDER / "portrait.jpg"), jpeg, [cv2.IMWRITE_JPEG_QUALITY, 92])
    write_video(enlarge(photo), FOLDER / "portrait.mp4")


if __name__ == "__main__":
    main()
