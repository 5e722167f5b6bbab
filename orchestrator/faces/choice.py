"""Which of the people in a picture speaks."""

import re
from dataclasses import dataclass
from typing import Self

_INDEX = re.compile(r"index:(\d+)")
_PIXELS = re.compile(r"point:(\d+),(\d+)")
_SHARE = r"(0?\.\d+|[01](?:\.0*)?)"
_FRACTIONS = re.compile(f"point:{_SHARE},{_SHARE}")


@dataclass(frozen=True)
class FaceChoice:
    """The largest face when neither an index nor a point is given.

    Attributes:
        index: Place from the left, counted from 0.
        point: (x, y) in pixels of the upright picture.
        share: (x, y) in fractions of it.
    """

    index: int | None = None
    point: tuple[int, int] | None = None
    share: tuple[float, float] | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads "largest", "index:N" or "point:x,y": whole numbers are pixels.

        Raises:
            ValueError: For anything else, with a sentence that names the three forms.
        """
        if text == "largest":
            return cls()
        if match := _INDEX.fullmatch(text):
            return cls(index=int(match[1]))
        if match := _PIXELS.fullmatch(text):
            return cls(point=(int(match[1]), int(match[2])))
        if match := _FRACTIONS.fullmatch(text):
            return cls(share=(float(match[1]), float(match[2])))
        raise ValueError(
            f"{text!r} names no face: give largest, index:N (from the left, the first is 0) or "
            "point:x,y (in pixels, or as fractions such as point:0.25,0.4)."
        )

    def point_px(self, width: int, height: int) -> tuple[float, float] | None:
        """The point in pixels of a picture; None when the choice is not by a point."""
        if self.share is None:
            return self.point
        x, y = self.share
        return x * width, y * height
