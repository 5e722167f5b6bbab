"""What the file of a landmark network does not say."""

from typing import Literal

from pydantic import Field

from export.families.pfld.layout import SIDE
from export.settings import FamilySettings

_CROP_SCALE = 1.5


class Settings(FamilySettings):
    """The `--config` of a landmark network.

    Attributes:
        order: Of the channels that the network takes.
        box_scale: Side of the square that it looks at, in sides of the box around the whole face,
            forehead included.
    """

    order: Literal["rgb", "bgr"] = "bgr"
    box_scale: float = Field(1.2, ge=0.8, le=_CROP_SCALE)

    @property
    def margin(self) -> int:
        """Pixels of the crop "square-1.5" around the square that the network looks at."""
        return round(SIDE * (_CROP_SCALE / self.box_scale - 1) / 2)
