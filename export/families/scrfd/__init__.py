"""SCRFD: InsightFace's face detector, which HeyGem uses, too."""

from export.families.scrfd.layout import is_detector
from export.family import Family

FAMILY = Family(
    name="scrfd",
    role="face_detection",
    title="an SCRFD face detector (InsightFace)",
    model_name="scrfd",
    recognises=is_detector,
    builder="export.families.scrfd.build:build",
)
