"""Builds Wav2Lip's mel spectrum: waveform in, features out.

There are no keys for the `--config` file.
"""

from collections.abc import Mapping

from client.errors import InputError
from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.examples import numbers
from export.families.wav2lip.features import FEATURE_KIND, WIDTH
from export.families.wav2lip_mel.network import SpectrumNetwork
from export.families.wav2lip_mel.spectrum import SAMPLE_RATE_HZ, SpeechFeatures
from export.family import Build

_LOUDNESS = 0.1


def build(checkpoint: Checkpoint | None, config: Mapping[str, object]) -> Build:
    """Builds the served model.

    Args:
        checkpoint: There is none.
        config: Must be empty.

    Raises:
        InputError: If there is a configuration.
    """
    del checkpoint
    if config:
        raise InputError("Wav2Lip's mel spectrum has nothing to configure: leave --config out.")
    features = SpeechFeatures()
    length = features.left + features.core + features.right
    network = SpectrumNetwork(
        features,
        [TensorSpec("speech", "FP32", (length,))],
        [TensorSpec("features", "FP32", (features.count, WIDTH))],
    )
    return Build(
        served=network,
        core=network,
        examples=lambda batch: {"speech": numbers((batch, length), _LOUDNESS)},
        core_examples=lambda batch: {"speech": numbers((batch, length), _LOUDNESS)},
        source="computed as Wav2Lip does it; there are no weights",
        licence="Apache-2.0, part of this project.",
        summary=(
            "Mel spectrum of Wav2Lip, 16 columns of 80 bands for every picture; behind the end of "
            "a recording there is silence."
        ),
        feature_kind=FEATURE_KIND,
        window={
            "sample_rate": SAMPLE_RATE_HZ,
            "left_context": features.left,
            "core": features.core,
            "right_context": features.right,
        },
    )
