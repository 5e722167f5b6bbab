"""WeNet's Conformer encoders, HeyGem's among them: speech to features that a renderer takes."""

from export.families.wenet.layout import find_encoder
from export.family import Family

FAMILY = Family(
    name="wenet",
    role="wenet",
    title="a WeNet speech encoder",
    model_name="heygem_wenet",
    recognises=lambda structure: find_encoder(structure) is not None,
    builder="export.families.wenet.build:build",
)
