"""PFLD: landmarks of one face, 68 (iBUG) or 98 (WFLW) of them."""

from export.families.pfld.layout import pfld_points
from export.family import Family

FAMILY = Family(
    name="pfld",
    role="face_landmarks",
    title="a PFLD landmark network",
    model_name="pfld",
    recognises=lambda structure: pfld_points(structure) is not None,
    builder="export.families.pfld.build:build",
)
