"""Decoded pictures to upright planes of the working format, bit for bit where they fit."""

import re
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from orchestrator.media.chroma import ChromaGrid, Siting, resampled
from orchestrator.media.orientation import Orientation
from orchestrator.media.pixels import (
    YUV420P,
    PixelFormat,
    Plane,
    Planes,
    chroma_step,
    rows_of,
    working_format,
)
from orchestrator.media.rgb import EXACT_SCALING, as_bt709
from orchestrator.media.tags import is_full_range, is_grey, is_yuv

_PLANAR = re.compile(r"(yuv[aj]?4\d\dp|gray)\d*(le|be)?")
_SUBSAMPLINGS = {(2, 2): "420", (2, 1): "422", (1, 1): "444", (4, 1): "411"}


@dataclass(frozen=True)
class Conversion:
    """How the stored pictures of one file become planes.

    Attributes:
        target: Format of the planes.
        orientation: How they are turned.
        siting: Where chroma samples sit in stored pictures.
    """

    target: PixelFormat
    orientation: Orientation
    siting: Siting

    @classmethod
    def of(
        cls,
        source: VideoFormat,
        orientation: Orientation,
        siting: Siting,
        *,
        compatible: bool = False,
    ) -> "Conversion":
        """Chooses the target.

        Args:
            source: The decoder's format.
            orientation: Applied to the planes.
            siting: Custom of the file's format.
            compatible: Whether to give 8-bit 4:2:0 whatever the source has.
        """
        if not is_yuv(source):
            return cls(YUV420P, orientation, "center")  # swscale averages two columns
        target = working_format(source.components[0].bits, orientation.turned(_step(source)))
        return cls(YUV420P if compatible else target, orientation, siting)

    def size(self, source: VideoFormat, width: int, height: int) -> tuple[int, int]:
        """The upright size of planes; what is no whole chroma sample is cut off."""
        return self.orientation.turned(self._kept(source, width, height))

    def grid(self, source: VideoFormat) -> ChromaGrid:
        """Where the chroma samples of planes sit."""
        return self._turned_grid(source).fitted(self.target.chroma_step)

    def planes(self, frame: VideoFrame) -> Planes:
        """Planes of one picture.

        Samples are moved as they are. Bits beyond the tenth are rounded away, chroma is resampled
        where the target has another step, and alpha is laid over black.

        Returns:
            Y, U and V [H,W] of the target, C-contiguous, in their own memory.
        """
        frame = _planar(frame) if is_yuv(frame.format) else as_bt709(frame)
        width, height = self._kept(frame.format, frame.width, frame.height)
        step_x, step_y = _step(frame.format)
        y, u, v = _samples(frame)
        return (
            self._luma(y[:height, :width], frame.format),
            self._chroma(u[: height // step_y, : width // step_x], frame.format),
            self._chroma(v[: height // step_y, : width // step_x], frame.format),
        )

    def _kept(self, source: VideoFormat, width: int, height: int) -> tuple[int, int]:
        """The stored size in whole chroma samples of the source and of the target."""
        stored, kept = _step(source), self.orientation.turned(self.target.chroma_step)
        return width - width % max(stored[0], kept[0]), height - height % max(stored[1], kept[1])

    def _turned_grid(self, source: VideoFormat) -> ChromaGrid:
        return ChromaGrid.sited(_step(source), self.siting).turned(self.orientation)

    def _luma(self, plane: Plane, source: VideoFormat) -> Plane:
        return _owned(self.orientation.turn(_at_depth(plane, source, self.target.bits)))

    def _chroma(self, plane: Plane, source: VideoFormat) -> Plane:
        upright = self.orientation.turn(_at_depth(plane, source, self.target.bits))
        highest = (1 << self.target.bits) - 1
        return _owned(resampled(upright, self._turned_grid(source), self.grid(source), highest))


def _step(source: VideoFormat) -> tuple[int, int]:
    return (2, 2) if is_grey(source) else chroma_step(source)


def _planar(frame: VideoFrame) -> VideoFrame:
    """Unpacks a picture whose components share planes; swscale moves such samples exactly."""
    source = frame.format
    if _PLANAR.fullmatch(source.name):
        return frame
    alpha = "a" if len(source.components) == 4 else ""
    bits = source.components[0].bits
    depth = "" if bits == 8 else f"{bits}le"
    name = f"yuv{alpha}{_SUBSAMPLINGS[chroma_step(source)]}p{depth}"
    return frame.reformat(format=name, interpolation=EXACT_SCALING)


def _samples(frame: VideoFrame) -> Planes:
    y, *others = (_read(plane, frame.format) for plane in frame.planes)
    if not others:
        shape = -(-y.shape[0] // 2), -(-y.shape[1] // 2)
        neutral = np.full(shape, _neutral(frame.format), y.dtype)
        return y, neutral, neutral
    u, v, *alphas = others
    for alpha in alphas:
        y, u, v = _over_black((y, u, v), alpha, frame)
    return y, u, v


def _read(plane: VideoPlane, source: VideoFormat) -> Plane:
    rows = rows_of(plane)[: plane.height]
    if source.components[0].bits == 8:
        return rows[:, : plane.width]
    order = ">u2" if source.is_big_endian else "<u2"
    return rows.view(order)[:, : plane.width].astype(np.uint16, copy=False)


def _over_black(planes: Planes, alpha: Plane, frame: VideoFrame) -> Planes:
    bits = frame.format.components[0].bits
    opaque = (1 << bits) - 1
    if int(alpha.min()) == opaque:
        return planes
    black = 0 if is_full_range(frame) else 16 << (bits - 8)
    neutral = _neutral(frame.format)
    weight = (alpha / opaque).astype(np.float32)
    y, u, v = (
        _faded(plane, weight, rest)
        for plane, rest in zip(planes, (black, neutral, neutral), strict=True)
    )
    return y, u, v


def _faded(plane: Plane, weight: NDArray[np.float32], rest: int) -> Plane:
    size = (plane.shape[1], plane.shape[0])
    shares = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    faded = np.rint(rest + (plane.astype(np.float32) - rest) * shares)
    return _codes(faded, 8 * plane.itemsize)


def _neutral(source: VideoFormat) -> int:
    return int(1 << (source.components[0].bits - 1))


def _at_depth(plane: Plane, source: VideoFormat, bits: int) -> Plane:
    excess = source.components[0].bits - bits
    if excess == 0:
        return plane
    if excess < 0:
        return _codes(plane << -excess, bits)
    rounded = (plane.astype(np.uint32) + (1 << (excess - 1))) >> excess
    return _codes(np.minimum(rounded, (1 << bits) - 1), bits)


def _codes(values: NDArray[Any], bits: int) -> Plane:
    return values.astype(np.uint8) if bits == 8 else values.astype(np.uint16)


def _owned(plane: Plane) -> Plane:
    return cast("Plane", np.array(plane, order="C"))
