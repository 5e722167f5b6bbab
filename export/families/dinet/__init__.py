"""DINet: redraws the mouth of a 416x416 crop, from speech and five other frames."""

from export.families.dinet.weights import find_weights
from export.family import Family

FAMILY = Family(
    name="dinet",
    role="landmark2face",
    title="a DINet generator",
    model_name="dinet_landmark2face",
    recognises=lambda structure: find_weights(structure) is not None,
    builder="export.families.dinet.build:build",
)
