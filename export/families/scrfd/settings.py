"""What an SCRFD's file does not say."""

from pydantic import Field

from export.settings import FamilySettings


class Settings(FamilySettings):
    """The `--config` of an SCRFD.

    Attributes:
        score_threshold: Boxes below this score are no faces.
        iou_threshold: Boxes that overlap a better one by more than this are the same face; 0.4 is
            InsightFace's, HeyGem has 0.35.
    """

    score_threshold: float = Field(0.5, gt=0, le=1)
    iou_threshold: float = Field(0.4, gt=0, lt=1)
