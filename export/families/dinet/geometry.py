"""Where things lie in DINet's pictures, whose extents are told by the side of the mouth region."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FEATHER = 1 / 16  # of the mouth region's side, over which its border is blended


@dataclass(frozen=True)
class Geometry:
    """A square crop, of which the network sees the middle columns and redraws a square in them.

    Attributes:
        mouth: Side of the square that is redrawn, the original's mouth_region_size.
    """

    mouth: int

    @property
    def side(self) -> int:
        """Side of the crop, and the rows of the network's pictures."""
        return self.mouth * 13 // 8

    @property
    def columns(self) -> int:
        """Columns of the network's pictures."""
        return self.mouth * 5 // 4

    @property
    def margin(self) -> int:
        """Columns of the crop on either side that the network does not see."""
        return (self.side - self.columns) // 2

    @property
    def top(self) -> int:
        """Rows above the mouth."""
        return self.mouth // 2

    @property
    def left(self) -> int:
        """Columns of the network's pictures left of the mouth."""
        return self.mouth // 8

    def around_mouth(self) -> NDArray[np.float32]:
        """1 around the mouth and 0 in it, [rows, columns] of the network's pictures."""
        shares = np.ones((self.side, self.columns), np.float32)
        shares[self.top : self.top + self.mouth, self.left : self.left + self.mouth] = 0
        return shares

    def weights(self) -> NDArray[np.float32]:
        """Weights 0..255 of what is redrawn, [side, side]; they rise within the mouth's border."""
        at = np.arange(self.mouth) + 0.5
        ramp = np.clip(np.minimum(at, self.mouth - at) / (_FEATHER * self.mouth), 0, 1)
        smooth = ramp * ramp * (3 - 2 * ramp)
        inside = np.rint(255 * smooth[:, None] * smooth).astype(np.float32)
        after = self.side - self.mouth
        left = self.margin + self.left
        return np.pad(inside, ((self.top, after - self.top), (left, after - left)))
