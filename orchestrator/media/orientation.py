"""Turning stored pictures upright."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from av.buffer import Buffer
from av.video.frame import VideoFrame

from orchestrator.media.pixels import Plane


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

    def turned(self, pair: tuple[int, int]) -> tuple[int, int]:
        """Turns a size or a step, x then y."""
        return pair[::-1] if self.swaps_axes else pair

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


def _sign(value: int) -> int:
    return -1 if value < 0 else 1
