"""Where crops lie in a picture.

Crop coordinates u are in [0,1]², x right, y down; sample i of n sits at (i+0.5)/n. Native pixel
indices have pixel centres at integers. An affine is 2x3 float64 and maps u to native indices:
p = A[:, :2] @ u + A[:, 2].
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Affine: TypeAlias = NDArray[np.float64]
Points: TypeAlias = NDArray[np.floating[Any]]

# Vertices of the 468-point face mesh; left and right are the person's own.
_RIGHT_EYE = (33, 133)  # outer, inner corner
_LEFT_EYE = (263, 362)
_MOUTH_CORNERS = (61, 291)

_SQUARE_SIDE = 1.5  # of the box around the face
_SIDE_OF_EYE_DISTANCE = 2.6
_SIDE_OF_EYES_TO_MOUTH = 2.7
_CENTRE_BELOW_EYES = 0.26  # of the side

_CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float64)


class Region(NamedTuple):
    """A box of whole pixels: columns x0..x1-1, rows y0..y1-1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index a plane with."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.x1 <= self.x0 or self.y1 <= self.y0

    def moved(self, by_x: int, by_y: int) -> "Region":
        """The same region in a picture whose origin lies elsewhere."""
        return Region(self.x0 + by_x, self.y0 + by_y, self.x1 + by_x, self.y1 + by_y)

    def grown(self, by_px: int) -> "Region":
        """Larger by as much on every side."""
        return Region(self.x0 - by_px, self.y0 - by_px, self.x1 + by_px, self.y1 + by_px)

    def divided(self, by: tuple[int, int]) -> "Region":
        """The same region in a plane with fewer samples (x, y); needs borders that divide."""
        return Region(self.x0 // by[0], self.y0 // by[1], self.x1 // by[0], self.y1 // by[1])

    def aligned(self, to: tuple[int, int], shape: tuple[int, int]) -> "Region":
        """Grown to multiples of (x, y) and cut to a picture [H,W] whose sides are such."""
        (step_x, step_y), (height, width) = to, shape
        return Region(
            max(self.x0 // step_x * step_x, 0),
            max(self.y0 // step_y * step_y, 0),
            min(-(-self.x1 // step_x) * step_x, width),
            min(-(-self.y1 // step_y) * step_y, height),
        )


@dataclass(frozen=True)
class Letterbox:
    """How a square thumbnail with centred content lies in its picture.

    Attributes:
        scale: Native pixels per thumbnail pixel.
        offset: Native index (x, y) of the thumbnail's top left corner.
    """

    scale: float
    offset: tuple[float, float]

    @classmethod
    def of(cls, width: int, height: int, size: int) -> "Letterbox":
        """Fits a picture of width x height into a square of the given size."""
        side = max(width, height)
        return cls(side / size, ((width - side - 1) / 2, (height - side - 1) / 2))

    def detections_to_native(self, detections: Points) -> NDArray[np.float32]:
        """Maps detections [K,15] (box, score, five points) from thumbnail to native pixels."""
        native = np.array(detections, np.float32)
        native[:, 0:4] = native[:, 0:4] * self.scale + np.tile(self.offset, 2)
        native[:, 5:15] = native[:, 5:15] * self.scale + np.tile(self.offset, 5)
        return native


def to_native(points: Points, affine: Affine) -> NDArray[np.float64]:
    """Maps crop coordinates [...,2] to native pixel indices."""
    return np.asarray(points @ affine[:, :2].T + affine[:, 2])


def to_crop(points: Points, affine: Affine) -> NDArray[np.float64]:
    """Maps native pixel indices [...,2] to crop coordinates."""
    return np.asarray((points - affine[:, 2]) @ inverse(affine[:, :2]).T)


def side_px(affine: Affine) -> float:
    """Side of the crop in native pixels; of a square as large where the crop is none."""
    (a, b), (c, d) = affine[:, :2].tolist()
    return math.sqrt(abs(a * d - b * c))


def inverse(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of a 2x2 matrix, several times faster than the general routine."""
    (a, b), (c, d) = linear.tolist()
    return np.asarray(np.array([[d, -b], [-c, a]]) / (a * d - b * c))


def crops_apart(first: Affine, second: Affine) -> float:
    """How differently two crops lie, in sides: by place, or by the logarithm of their size."""
    middle = np.array([0.5, 0.5])
    away = to_native(middle, first) - to_native(middle, second)
    growth = np.log(side_px(first) / side_px(second))
    return max(float(np.linalg.norm(away)) / side_px(second), abs(float(growth)))


def shifted(affine: Affine, x0: float, y0: float) -> Affine:
    """The same crop in a picture cut so that (x0, y0) becomes its first pixel."""
    return np.column_stack((affine[:, :2], affine[:, 2] - (x0, y0)))


def detection_affine(detection: Points) -> Affine:
    """Crop "square-1.5" around a detection [15] in native pixels, its eyes level."""
    box, right_eye, left_eye = detection[0:4], detection[5:7], detection[7:9]
    side = _SQUARE_SIDE * float(np.max(box[2:] - box[:2]))
    return _square((box[:2] + box[2:]) / 2, side, _angle(left_eye - right_eye))


def mesh_affine(mesh: Points) -> Affine:
    """Crop "square-1.5" around a mesh [468,2] in native pixels, its outer eye corners level."""
    angle = _angle(mesh[_LEFT_EYE[0]] - mesh[_RIGHT_EYE[0]])
    turn = _rotation(angle)
    level = mesh @ turn
    low, high = level.min(axis=0), level.max(axis=0)
    return _square(turn @ ((low + high) / 2), _SQUARE_SIDE * float(np.max(high - low)), angle)


def face_affine(mesh: Points) -> Affine:
    """Crop "eyes-mouth-v1" of a smoothed mesh [468,2] in native pixels, its eyes level."""
    right_eye, left_eye, mouth = (
        mesh[list(pair)].mean(axis=0) for pair in (_RIGHT_EYE, _LEFT_EYE, _MOUTH_CORNERS)
    )
    eyes = (right_eye + left_eye) / 2
    across = left_eye - right_eye
    side = max(
        _SIDE_OF_EYE_DISTANCE * float(np.linalg.norm(across)),
        _SIDE_OF_EYES_TO_MOUTH * float(np.linalg.norm(mouth - eyes)),
    )
    angle = _angle(across)
    down = np.array([-np.sin(angle), np.cos(angle)])
    return _square(eyes + down * (_CENTRE_BELOW_EYES * side), side, angle)


def boxed(low: Points, high: Points) -> Affine:
    """The crop along the picture's axes from one corner to the opposite one, not always square."""
    return np.column_stack((np.diag(np.asarray(high - low, np.float64)), low))


def covered_region(
    affine: Affine, shape: tuple[int, int], *, margin_px: float = 0, box: Points = _CORNERS[[0, 3]]
) -> Region:
    """Whole pixels that a crop, or a box [[x0,y0],[x1,y1]] of it in u, covers inside a plane.

    Args:
        affine: The crop, in indices of the plane.
        shape: Height and width of the plane.
        margin_px: Pixels added on every side.
        box: Part of the crop, in u; all of it by default.
    """
    corners = to_native(box[0] + _CORNERS * (box[1] - box[0]), affine)
    low = np.floor(corners.min(axis=0) - margin_px).astype(int)
    high = np.ceil(corners.max(axis=0) + margin_px).astype(int) + 1
    height, width = shape
    x0, y0 = np.clip(low, 0, (width, height))
    x1, y1 = np.clip(high, 0, (width, height))
    return Region(int(x0), int(y0), int(x1), int(y1))


def texture_matrix(affine: Affine, size: int) -> NDArray[np.float64]:
    """The 2x3 matrix from plane indices to sample indices of a size x size crop texture."""
    linear = inverse(affine[:, :2]) * size
    return np.column_stack((linear, -linear @ affine[:, 2] - 0.5))


def _square(centre: Points, side: float, angle: float) -> Affine:
    linear = _rotation(angle) * side
    return np.column_stack((linear, centre - linear @ (0.5, 0.5)))


def _rotation(angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])


def _angle(direction: Points) -> float:
    return float(np.arctan2(direction[1], direction[0]))
