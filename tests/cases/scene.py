"""Pictures of a known person at a known place, each with its number and a patch of known colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.unit.media.making import numbered_luma

Rgb = NDArray[np.uint8]

PORTRAIT = Path(__file__).parents[1] / "data" / "portrait.jpg"
STRIP_WIDTH, STRIP_HEIGHT = 96, 32  # of the squares that spell the number
PATCH = (190, 80, 70)
PATCH_SIDE = 32
_BACKGROUND = (130, 140, 150)
_HEAD = np.s_[0:200, 130:330]


@dataclass(frozen=True)
class Face:
    """Where a head is drawn.

    Attributes:
        x: Left border in pixels.
        y: Upper border in pixels.
        side: Of the square that shows the head with its hair, in pixels.
        other: Whether it is the second person: mirrored, in other colours.
        seen: Numbers of the pictures that show it; None for all.
    """

    x: int
    y: int
    side: int
    other: bool = False
    seen: range | None = None


@dataclass(frozen=True)
class Scene:
    """What a clip shows.

    Attributes:
        width: In pixels, upright.
        height: In pixels, upright.
        faces: The people.
        labelled: Whether pictures carry their number and the patch; small ones have no room.
    """

    width: int = 256
    height: int = 192
    faces: Sequence[Face] = (Face(112, 48, 144),)
    labelled: bool = True

    def picture(self, number: int) -> Rgb:
        """Draws picture `number`, uint8 [H,W,3]."""
        canvas = np.full((self.height, self.width, 3), _BACKGROUND, np.uint8)
        for face in self.faces:
            if face.seen is None or number in face.seen:
                canvas[face.y : face.y + face.side, face.x : face.x + face.side] = _head(
                    face.side, face.other
                )
        if self.labelled:
            strip = numbered_luma(number, STRIP_WIDTH, STRIP_HEIGHT)
            canvas[:STRIP_HEIGHT, :STRIP_WIDTH] = strip[..., None]
            canvas[self.patch] = PATCH
        return canvas

    @property
    def patch(self) -> tuple[slice, slice]:
        """Rows and columns of the patch of known colour: the lower left corner."""
        return slice(self.height - PATCH_SIDE, self.height), slice(0, PATCH_SIDE)


def still(width: int, height: int, side: int) -> Scene:
    """A head in the lower right corner, with no number and no patch."""
    return Scene(width, height, (Face(width - side, height - side, side),), labelled=False)


@cache
def _head(side: int, other: bool) -> Rgb:
    with av.open(str(PORTRAIT)) as container:
        portrait = next(container.decode(video=0)).to_ndarray(format="rgb24")[_HEAD]
    interpolation = cv2.INTER_AREA if side < len(portrait) else cv2.INTER_CUBIC
    head = np.asarray(cv2.resize(portrait, (side, side), interpolation=interpolation), np.uint8)
    if not other:
        return head
    tinted = head[:, ::-1].astype(np.float32) * (0.75, 0.8, 0.95)
    return tinted.astype(np.uint8)
