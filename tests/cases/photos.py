"""Photos of a person in any picture format."""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from tests.cases.scene import Rgb, Scene
from tests.cases.source import Source
from tests.unit.media.making import make_picture, set_exif_orientation

# The EXIF orientation that turns a picture stored by np.rot90(upright, k) upright again.
_EXIF_OF_QUARTERS = {0: 1, 1: 6, 2: 3, 3: 8}


@dataclass(frozen=True, eq=False)
class Photo(Source):
    """One picture.

    Attributes:
        name: File name.
        scene: What it shows.
        codec: FFmpeg's encoder; "progressive" makes a progressive JPEG.
        pix_fmt: Pixel format to encode.
        see_through: Whether its right half, and with it the person, is half transparent.
        quarters: Quarter turns counterclockwise as it is stored; EXIF says so.
    """

    name: str = "photo.png"
    scene: Scene = field(default_factory=Scene)
    codec: str = "png"
    pix_fmt: str = "rgb24"
    see_through: bool = False
    quarters: int = 0

    def make(self, path: Path) -> None:
        pixels: Rgb = np.ascontiguousarray(np.rot90(self.scene.picture(0), self.quarters))
        if self.see_through:
            alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8)
            alpha[:, pixels.shape[1] // 2 :] = 200
            pixels = np.concatenate([pixels, alpha], axis=-1)
        if self.codec == "progressive":
            flags = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
            path.write_bytes(cv2.imencode(".jpg", pixels[..., ::-1], flags)[1].tobytes())
            return
        make_picture(path, pixels, self.codec, self.pix_fmt)
        if self.quarters:
            set_exif_orientation(path, _EXIF_OF_QUARTERS[self.quarters])
