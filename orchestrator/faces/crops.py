"""How the crop of each kind lies on a face: what a renderer was trained to be shown.

A kind knows the face through its mesh [468,2] in native pixels. Some need one more number that
holds for a face as long as it is followed, such as its usual proportion, so that a crop neither
breathes with the jaw nor jumps: each mesh of the track is measured, and the numbers are settled
into one.

All kinds but `eyes-mouth-v1` are boxes along the picture's axes, as their networks saw faces.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from client.errors import ContractError
from orchestrator.faces.geometry import Affine, Points, boxed, face_affine
from orchestrator.faces.ibug import (
    BROWS,
    EYES,
    MOUTH_CORNERS,
    NOSE_RIDGE,
    NOSE_UNDERSIDE,
    UNDER_NOSE,
    landmarks_of,
)

Values: TypeAlias = NDArray[np.floating[Any]]

FaceCrop: TypeAlias = Callable[[Points], Affine]
"""The crop of one followed face, from its mesh [468,2] in native pixels in any frame."""

_LEAST_PX = 1.0  # of a length that others are divided by


class CropKind(Protocol):
    """One kind of crop."""

    def measured(self, meshes: Points) -> Values:
        """What is to be known of each of the meshes [n,468,2] of a followed face, [n]."""

    def settled(self, numbers: Values) -> FaceCrop:
        """The crop of a face that was measured so in all its frames, [P]."""


@dataclass(frozen=True)
class EyesMouth:
    """`eyes-mouth-v1`: upright by the eyes, as large as eyes and mouth are apart."""

    def measured(self, meshes: Points) -> Values:
        """Nothing: each mesh says all."""
        return np.zeros(len(meshes))

    def settled(self, numbers: Values) -> FaceCrop:
        """The crop, the same of every face."""
        return face_affine


@dataclass(frozen=True)
class HeyGem:
    """`heygem-v1`: the crop of HeyGem's DINet.

    s is the width of the landmarks' box over the face's usual width for its height. The crop has
    a side of 1.5 s, is centred on the box and begins 0.15 s above it. That square is sampled at
    266 pixels, of which the network sees the inner 256.

    Attributes:
        wh: Width over height of a face that cannot be measured.
    """

    wh: float = 0.97

    def measured(self, meshes: Points) -> Values:
        """Width over height of the landmarks' boxes."""
        width, height = np.moveaxis(np.ptp(landmarks_of(meshes), axis=-2), -1, 0)
        return np.asarray(width / np.maximum(height, _LEAST_PX))

    def settled(self, numbers: Values) -> FaceCrop:
        """The crop of a face whose proportion is the mean."""
        mean = float(np.mean(numbers)) if len(numbers) else 0.0
        return partial(_heygem, mean if mean > 0 else self.wh)


@dataclass(frozen=True)
class Dinet:
    """`dinet-mrzzm-v1`: the crop of DINet as its authors published it, made square.

    Their radius is half of 1.05 times the way from the nose bone (landmark 29) down to the chin,
    or from one corner of the mouth to the other where that is longer. They crop 3.25 radii of
    rows from one radius above the bone, and 2.5 radii of columns around the base of the nose; the
    square has columns to spare on both sides. They take the largest radius of five frames; here
    the radius is the face's usual one for its size, a high one, so that the chin stays inside.
    """

    def measured(self, meshes: Points) -> Values:
        """The radius of each mesh, in distances from eyes to nose."""
        points = landmarks_of(meshes)
        right, left = MOUTH_CORNERS
        down = points[..., 1].max(axis=-1) - points[..., NOSE_RIDGE, 1]
        across = points[..., left, 0] - points[..., right, 0]
        return np.asarray(1.05 * np.maximum(down, across) / 2 / _eyes_to_nose(points))

    def settled(self, numbers: Values) -> FaceCrop:
        """The crop of a face whose radius few of its frames exceed."""
        return partial(_dinet, float(np.percentile(numbers, 95)))


@dataclass(frozen=True)
class Wav2Lip:
    """`wav2lip-v1`: the box of Wav2Lip's face detector with its usual padding, not square.

    The detector learnt boxes from forehead to chin. Detectors of the same training data put them
    at the landmarks' left, right and lower ends, and 0.30 to 0.43 of the way from the highest
    brow to the chin above that brow (0.36 in the middle; four people in motion). The padding is
    10 pixels below the chin of a face about 200 pixels high.
    """

    def measured(self, meshes: Points) -> Values:
        """The way from the highest brow to the chin, in distances from eyes to nose."""
        points = landmarks_of(meshes)
        return np.asarray((_lowest(points) - _highest_brow(points)) / _eyes_to_nose(points))

    def settled(self, numbers: Values) -> FaceCrop:
        """The crop of a face whose forehead does not move with its jaw."""
        return partial(_wav2lip, float(np.median(numbers)))


def crop_kind(kind: str, numbers: Mapping[str, object]) -> CropKind:
    """The kind of crop that a manifest names.

    Args:
        kind: Its name.
        numbers: What else the manifest says of it.

    Raises:
        ContractError: If there is no such kind, or a number of it cannot be used.
    """
    if kind not in _KINDS:
        raise ContractError(
            f"The crop geometry {kind} is not one that this program lays out: publish the renderer "
            f"with one of {', '.join(_KINDS)}."
        )
    return _KINDS[kind](numbers)


def _proportion(wh: object) -> float:
    if isinstance(wh, bool) or not isinstance(wh, int | float) or not 0 < wh < np.inf:
        raise ContractError(
            f"The crop geometry heygem-v1 has the proportion wh {wh!r}, which is no number above "
            "0; publish the renderer again."
        )
    return float(wh)


_KINDS: dict[str, Callable[[Mapping[str, object]], CropKind]] = {
    "eyes-mouth-v1": lambda numbers: EyesMouth(),
    "heygem-v1": lambda numbers: HeyGem(_proportion(numbers.get("wh", HeyGem.wh))),
    "dinet-mrzzm-v1": lambda numbers: Dinet(),
    "wav2lip-v1": lambda numbers: Wav2Lip(),
}


def _heygem(wh: float, mesh: Points) -> Affine:
    points = landmarks_of(mesh)
    (left, top), (right, _) = points.min(axis=0), points.max(axis=0)
    s, middle = (right - left) / wh, (left + right) / 2
    centre, side = np.array([middle, top + 0.6 * s]), 1.5 * s * 256 / 266
    return boxed(centre - side / 2, centre + side / 2)


def _dinet(radius_of_way: float, mesh: Points) -> Affine:
    points = landmarks_of(mesh)
    radius = radius_of_way * float(_eyes_to_nose(points))
    x, y = float(points[UNDER_NOSE, 0]), float(points[NOSE_RIDGE, 1])
    half = 3.25 * radius / 2
    return boxed(np.array([x - half, y - radius]), np.array([x + half, y + 2.25 * radius]))


def _wav2lip(brow_to_chin: float, mesh: Points) -> Affine:
    points = landmarks_of(mesh)
    usual = brow_to_chin * float(_eyes_to_nose(points))
    left, right = points[:, 0].min(), points[:, 0].max()
    top = _highest_brow(points) - 0.36 * usual
    return boxed(np.array([left, top]), np.array([right, _lowest(points) + 0.05 * usual]))


def _eyes_to_nose(points: Points) -> Values:
    """Way from between the eyes to the underside of the nose: a length that speech leaves alone."""
    way = points[..., NOSE_UNDERSIDE, :].mean(axis=-2) - points[..., EYES, :].mean(axis=-2)
    return np.asarray(np.maximum(np.linalg.norm(way, axis=-1), _LEAST_PX))


def _highest_brow(points: Points) -> Values:
    return np.asarray(points[..., BROWS, 1].min(axis=-1))


def _lowest(points: Points) -> Values:
    return np.asarray(points[..., 1].max(axis=-1))
