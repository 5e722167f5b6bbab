"""Builds Wav2Lip: face and a column of mel spectrum in, the face drawn anew out.

There are no keys for the `--config` file.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from client.errors import InputError
from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.examples import numbers, pictures
from export.families.wav2lip.features import FEATURE_KIND, MEL_BANDS, MEL_COLUMNS, WIDTH
from export.families.wav2lip.network import FACE_SIDE, Generator
from export.families.wav2lip.served import ServedGenerator
from export.families.wav2lip.weights import find_weights
from export.family import Arrays, Build
from export.torch_network import TorchNetwork
from export.weights import load

LICENCE = (
    "The weights belong to whoever trained them. Those that the authors of Wav2Lip published are "
    "for personal, research and non-commercial use only."
)
_FACE = (FACE_SIDE, FACE_SIDE, 3)
_MEL = (1, MEL_BANDS, MEL_COLUMNS)


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    """Builds the served model.

    Args:
        checkpoint: What training saved, a state dict of the generator, or a TorchScript archive.
        config: Must be empty.

    Raises:
        InputError: If the generator is of a variant that is not supported.
    """
    path = find_weights(checkpoint.structure)
    if path is None or config:
        raise InputError("Wav2Lip is built from its generator alone: leave --config out.")
    generator = Generator()
    load(generator, checkpoint.state(*path), "the Wav2Lip generator")
    return Build(
        served=_served(generator),
        core=_core(generator),
        examples=_examples,
        core_examples=_core_examples,
        source="a Wav2Lip checkpoint of its user",
        licence=LICENCE,
        summary="Wav2Lip, faces of 96x96 pixels.",
        feature_kind=FEATURE_KIND,
        crop={"kind": "wav2lip-v1"},
        paste={"mode": "landmark-hull"},
        max_batch_size=16,
    )


def _served(generator: Generator) -> TorchNetwork:
    inputs = [TensorSpec("face", "UINT8", _FACE), TensorSpec("features", "FP32", (WIDTH, 1))]
    outputs = [TensorSpec("generated", "UINT8", _FACE)]
    return TorchNetwork(ServedGenerator(generator), inputs, outputs)


def _core(generator: Generator) -> TorchNetwork:
    faces = TensorSpec("faces", "FP32", (6, FACE_SIDE, FACE_SIDE))
    drawn = TensorSpec("drawn", "FP32", (3, FACE_SIDE, FACE_SIDE))
    return TorchNetwork(generator, [TensorSpec("mel", "FP32", _MEL), faces], [drawn])


def _mel(batch: int) -> NDArray[np.float32]:
    return numbers((batch, *_MEL), scale=2.0)


def _examples(batch: int) -> Arrays:
    return {"face": pictures((batch, *_FACE)), "features": _mel(batch).reshape(batch, WIDTH, 1)}


def _core_examples(batch: int) -> Arrays:
    whole = np.moveaxis(pictures((batch, *_FACE)), 3, 1) / np.float32(255)
    masked = whole.copy()
    masked[:, :, FACE_SIDE // 2 :] = 0
    return {"mel": _mel(batch), "faces": np.concatenate([masked, whole], 1)}
