"""How the picture of a renderer that gives pixels is laid into the frame.

A paste mode makes the weights of a crop. All lengths are fractions of the crop's side, so that a
mode looks the same at any resolution. At the border of the crop every mode gives nothing: there
must be no seam.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from client.errors import ContractError
from orchestrator.faces.geometry import Points
from orchestrator.faces.ibug import CHIN, LOWER_JAW, NOSE_RIDGE

Mask: TypeAlias = NDArray[np.uint8]
Pair: TypeAlias = tuple[float, float]

_EDGE = 0.03  # of the side, over which every mask rises from the border of the crop
_SUBPIXEL_BITS = 4
_ARC_DEGREES = 6


class Paste(Protocol):
    """Weights for one face."""

    def mask(self, landmarks: Points, size: int) -> Mask:
        """Makes the weights.

        Args:
            landmarks: The 68 landmarks in crop coordinates.
            size: Samples along the crop's side, S.

        Returns:
            uint8 [S,S,1], 255 takes all of the picture; not to be changed.
        """


@dataclass(frozen=True)
class LandmarkHull:
    """The lower face: the hull of the jaw (landmarks 2 to 14), the nose and a half-ellipse below.

    Attributes:
        dilate: How much wider the hull is made, on both sides together.
        blur: Width of the blur of its border.
    """

    mode: ClassVar[str] = "landmark-hull"
    dilate: float = 6 / 256
    blur: float = 17 / 256

    def mask(self, landmarks: Points, size: int) -> Mask:
        """Fills the hull, widens it and blurs its border."""
        outline = np.concatenate((landmarks[LOWER_JAW], landmarks[[NOSE_RIDGE]], _chin(landmarks)))
        hull = cv2.convexHull(outline.astype(np.float32))[:, 0]
        corners = np.rint((hull * size - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        filled = np.zeros((size, size), np.uint8)
        cv2.fillConvexPoly(filled, corners, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        wide = _odd(self.dilate * size)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide))
        dilated, soft = cv2.dilate(filled, kernel), _odd(self.blur * size)
        return _codes(_shares(cv2.stackBlur(dilated, (soft, soft))))


@dataclass(frozen=True)
class Ellipse:
    """An ellipse.

    Attributes:
        centre: Its middle, (x, y).
        axes: Half of its width and of its height.
        soft: Share of the way from border to middle over which it becomes opaque.
    """

    mode: ClassVar[str] = "ellipse"
    centre: Pair = (0.5, 0.65)
    axes: Pair = (0.38, 0.32)
    soft: float = 0.3

    def mask(self, landmarks: Points, size: int) -> Mask:
        """The same weights for every face."""
        return _ellipse(self, size)


@dataclass(frozen=True)
class Feather:
    """A box with a soft border.

    Attributes:
        low: Its upper left corner, (x, y).
        high: Its lower right corner.
        soft: Width of the border, inside the box.
    """

    mode: ClassVar[str] = "feather"
    low: Pair = (0.0, 0.0)
    high: Pair = (1.0, 1.0)
    soft: float = 0.08

    def mask(self, landmarks: Points, size: int) -> Mask:
        """The same weights for every face."""
        return _feather(self, size)


_MODES: tuple[type[LandmarkHull | Ellipse | Feather], ...] = (LandmarkHull, Ellipse, Feather)
_OWN = "mask"


def paste_of(
    declared: Mapping[str, object] | None, *, gives_mask: bool, chosen: str = "auto"
) -> Paste | None:
    """The way in which a renderer's picture is laid into the frame.

    Args:
        declared: What its manifest says: `mode` and the numbers of the mode.
        gives_mask: Whether the renderer gives weights itself.
        chosen: The mode that the profile names; `auto` is the manifest's, else the renderer's own
            weights, else a soft border.

    Returns:
        What makes the weights; None where those of the renderer are taken.

    Raises:
        ContractError: If there is no such mode, a number of it cannot be used, or the renderer
            gives no weights of its own where those are to be taken.
    """
    numbers = dict(declared or {})
    said = str(numbers.pop("mode", _OWN if gives_mask else Feather.mode))
    mode = said if chosen == "auto" else chosen
    if mode == _OWN:
        if gives_mask:
            return None
        raise ContractError(
            "The paste mode mask needs a renderer that gives a mask, and this one gives none: "
            f"choose one of {_listed()} with faces.paste in the profile."
        )
    return _read(mode, numbers if mode == said else {})


def _read(mode: str, numbers: Mapping[str, object]) -> Paste:
    for kind in _MODES:
        if kind.mode == mode:
            known = {field.name: field.default for field in fields(kind)}
            given = {name: _number(mode, name, numbers[name], known) for name in numbers}
            return kind(**given)  # type: ignore[arg-type]
    raise ContractError(f"There is no paste mode {mode}: it is one of {_listed()} or {_OWN}.")


def _number(
    mode: str, name: str, value: object, known: Mapping[str, object]
) -> float | tuple[float, ...]:
    wanted = known.get(name)
    parts = value if isinstance(value, list | tuple) else [value]
    length = len(wanted) if isinstance(wanted, tuple) else 1
    if wanted is None or len(parts) != length or not all(map(_is_share, parts)):
        raise ContractError(
            f"The paste mode {mode} has {name} {value!r}, which it cannot use: it takes "
            f"{', '.join(known)}, in fractions of the crop's side."
        )
    shares = tuple(float(str(part)) for part in parts)
    return shares if isinstance(wanted, tuple) else shares[0]


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _listed() -> str:
    return ", ".join(kind.mode for kind in _MODES)


@lru_cache(16)
def _ellipse(paste: Ellipse, size: int) -> Mask:
    return _codes(ellipse_weights(paste.centre, paste.axes, paste.soft, size))


@lru_cache(16)
def _feather(paste: Feather, size: int) -> Mask:
    x, y = _grid(size)
    inside = np.minimum(
        np.minimum(x - paste.low[0], paste.high[0] - x),
        np.minimum(y - paste.low[1], paste.high[1] - y),
    )
    return _codes(_risen(inside / max(paste.soft, 1 / size)))


def ellipse_weights(centre: Pair, axes: Pair, soft: float, size: int) -> NDArray[np.float32]:
    """Weights [S,S] in 0..1: nothing from the border of an ellipse on, rising inwards.

    Args:
        centre: (x, y) in crop coordinates.
        axes: Half of its width and of its height.
        soft: Share of the way from border to middle over which it becomes opaque.
        size: Samples along the crop's side.
    """
    x, y = _grid(size)
    way = np.hypot(
        (x - centre[0]) / max(axes[0], 1 / size), (y - centre[1]) / max(axes[1], 1 / size)
    )
    return _risen((1 - way) / max(soft, 1 / size))


def _chin(landmarks: Points) -> Points:
    """The lower half of the ellipse that is as wide as the jaw and ends at the chin."""
    right, left = landmarks[LOWER_JAW][[0, -1]]
    middle, across = (right + left) / 2, (left - right) / 2
    down = landmarks[CHIN] - middle
    angles = np.deg2rad(np.arange(0, 180 + _ARC_DEGREES, _ARC_DEGREES))[:, None]
    return np.asarray(middle + np.cos(angles) * across + np.sin(angles) * down)


def _grid(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Crop coordinates x [1,S] and y [S,1] of the samples."""
    at = np.asarray((np.arange(size) + 0.5) / size, np.float32)
    return at[None], at[:, None]


def _shares(codes: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(codes / np.float32(255), np.float32)


def _codes(weights: NDArray[np.float32]) -> Mask:
    """Weights [S,S] in 0..1 as a mask that is nothing at the border of the crop."""
    size = len(weights)
    steps = np.arange(size, dtype=np.float32)
    rising = np.minimum(np.minimum(steps, steps[::-1]) / max(_EDGE * size, 1), 1)
    framed = weights * rising * rising[:, None]
    mask = np.rint(framed * 255).astype(np.uint8)[..., None]
    mask.flags.writeable = False
    return mask


def _risen(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """0 to 1 smoothly, 0 below 0 and 1 above 1."""
    clipped = np.clip(share, 0, 1)
    return np.asarray(clipped * clipped * (3 - 2 * clipped), np.float32)


def _odd(length: float) -> int:
    return max(round(length) // 2 * 2 + 1, 1)
