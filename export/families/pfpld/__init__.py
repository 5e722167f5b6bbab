"""PFPLD: HeyGem's landmark network, 98 points (WFLW) in its second output."""

from export.families.pfld.layout import pfpld_points
from export.family import Family

FAMILY = Family(
    name="pfpld",
    role="face_landmarks",
    title="a PFPLD landmark network (HeyGem's)",
    model_name="pfpld",
    recognises=lambda structure: pfpld_points(structure) is not None,
    builder="export.families.pfpld.build:build",
)
