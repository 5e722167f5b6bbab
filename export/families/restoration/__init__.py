"""Restoration of faces: ONNX files of the kind of GFPGAN, CodeFormer, RestoreFormer and GPEN."""

from export.families.restoration.ports import find_ports
from export.family import Family

FAMILY = Family(
    name="restoration",
    role="face_restoration",
    title="a network that restores faces of 512x512 (GFPGAN, CodeFormer and their like)",
    model_name="face_restoration",
    recognises=lambda structure: find_ports(structure) is not None,
    builder="export.families.restoration.build:build",
)
