"""Wav2Lip: a generator that redraws the lower half of a 96x96 face from 0.2 s of mel spectrum."""

from export.families.wav2lip.weights import find_weights
from export.family import Family

FAMILY = Family(
    name="wav2lip",
    role="landmark2face",
    title="a Wav2Lip generator",
    model_name="wav2lip",
    recognises=lambda structure: find_weights(structure) is not None,
    builder="export.families.wav2lip.build:build",
)
