"""Wav2Lip's mel spectrum as a speech encoder; it has no weights."""

from export.family import Family

FAMILY = Family(
    name="wav2lip-mel",
    role="wenet",
    title="the mel spectrum of Wav2Lip",
    model_name="wav2lip_mel",
    recognises=lambda structure: False,
    builder="export.families.wav2lip_mel.build:build",
    needs_checkpoint=False,
)
