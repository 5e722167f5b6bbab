"""How bright and colourful a source was made to be, for players that fit it to their screen."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np
from av.buffer import Buffer
from av.video.frame import VideoFrame

Point = tuple[Fraction, Fraction]

_CHROMATICITY_UNIT = Fraction(1, 50000)  # of SMPTE ST 2086, as x264 and x265 take them
_LUMINANCE_UNIT = Fraction(1, 10000)  # cd/m², likewise


@dataclass(frozen=True)
class MasteringDisplay:
    """The screen on which a source was graded (SMPTE ST 2086).

    Attributes:
        red: CIE 1931 (x, y) of the primary.
        green: Likewise.
        blue: Likewise.
        white: Likewise, of the white point.
        luminance: Darkest and brightest, in cd/m².
    """

    red: Point
    green: Point
    blue: Point
    white: Point
    luminance: Point

    def in_units(self) -> str:
        """As x264 and x265 take it: in whole units."""
        return self._joined(_CHROMATICITY_UNIT, _LUMINANCE_UNIT, "{:.0f}")

    def in_decimals(self) -> str:
        """As SVT-AV1 takes it."""
        return self._joined(Fraction(1), Fraction(1), "{:.5f}")

    def _joined(self, chromaticity: Fraction, luminance: Fraction, form: str) -> str:
        places = {"G": self.green, "B": self.blue, "R": self.red, "WP": self.white}
        parts = [_written(name, place, chromaticity, form) for name, place in places.items()]
        return "".join((*parts, _written("L", self.luminance[::-1], luminance, form)))


@dataclass(frozen=True)
class Hdr:
    """Static metadata of a source of high dynamic range.

    x264, x265 and SVT-AV1 repeat it. FFmpeg's Python binding gives no way to hand it to others, nor
    to hand on metadata that changes from picture to picture.

    Attributes:
        display: The screen on which it was graded, where that is told.
        light: Brightest sample and brightest average of a picture in cd/m² (CTA-861.3), likewise.
    """

    display: MasteringDisplay | None = None
    light: tuple[int, int] | None = None


def hdr_of(frame: VideoFrame) -> Hdr:
    """Reads what a decoded picture says."""
    side_data = cast("Mapping[str, Buffer]", frame.side_data)
    display = light = None
    if "MASTERING_DISPLAY_METADATA" in side_data:
        display = _display(_numbers(side_data["MASTERING_DISPLAY_METADATA"]))
    if "CONTENT_LIGHT_LEVEL" in side_data:
        brightest, average = _numbers(side_data["CONTENT_LIGHT_LEVEL"])[:2]
        light = (brightest, average)
    return Hdr(display, light)


def _numbers(data: Buffer) -> list[int]:
    return [int(number) for number in np.frombuffer(bytes(data), np.int32)]


def _display(numbers: list[int]) -> MasteringDisplay | None:
    """Reads FFmpeg's AVMasteringDisplayMetadata: ten rationals, then whether they count."""
    *rationals, has_primaries, has_luminance = numbers[:22]
    if not (has_primaries and has_luminance and all(rationals[1::2])):
        return None
    values = list(map(Fraction, rationals[::2], rationals[1::2]))
    return MasteringDisplay(*zip(values[::2], values[1::2], strict=True))


def _written(name: str, pair: Point, unit: Fraction, form: str) -> str:
    first, second = (form.format(float(value / unit)) for value in pair)
    return f"{name}({first},{second})"
