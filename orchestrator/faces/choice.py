"""Which of the people in a picture speaks."""

import re
from dataclasses import dataclass
from typing import Self

_INDEX = re.compile(r"index:(\d+)")
_POINT = re.compile(r"point:(\d+(?:\.\d*)?|\.\d+),(\d+(?:\.\d*)?|\.\d+)")


@dataclass(frozen=True)
class FaceChoice:
    """The largest face when neither an index nor a point is given.

    Attributes:
        index: Place from the left, counted from 0.
        point: (x, y) in pixels of the upright picture; fractions of it when both are at most 1.
    """

    index: int | None = None
    point: tuple[float, float] | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads "largest", "index:N" or "point:x,y".

        Raises:
            ValueError: For anything else, with a sentence that names the three forms.
        """
        if text == "largest":
            return cls()
        if match := _INDEX.fullmatch(text):
            return cls(index=int(match[1]))
        if match := _POINT.fullmatch(text):
            return cls(point=(float(match[1]), float(match[2])))
        raise ValueError(
            f"{text!r} names no face: give largest, index:N (from the left, the first is 0) or "
            "point:x,y (in pixels, or as fractions such as point:0.25,0.4)."
        )

    def point_px(self, width: int, height: int) -> tuple[float, float] | None:
        """The point in pixels of a picture; None when the choice is not by a point."""
        if self.point is None:
            return None
        x, y = self.point
        return (x * width, y * height) if max(x, y) <= 1 else (x, y)
