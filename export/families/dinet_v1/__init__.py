"""HeyGem's landmark2face, called DINetV1: redraws the mouth of a 256x256 face from speech."""

from export.families.dinet_v1.weights import find_weights
from export.family import Family

FAMILY = Family(
    name="dinet-v1",
    role="landmark2face",
    title="a landmark2face generator of HeyGem",
    model_name="heygem_landmark2face",
    recognises=lambda structure: find_weights(structure) is not None,
    builder="export.families.dinet_v1.build:build",
)
