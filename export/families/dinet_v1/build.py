"""Builds HeyGem's landmark2face generator.

Its file has a mask for pasting, too (`fuse_mask`), which HeyGem uses where it pastes neither by
landmarks nor by segmentation. It is left out: what HeyGem does unless told otherwise is to paste by
landmarks, and so is what the built model declares.
"""

from collections.abc import Mapping

import numpy as np
import torch

from client.errors import InputError
from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.examples import numbers, pictures
from export.families.dinet_v1.masks import around_mouth, read_mask
from export.families.dinet_v1.network import Generator
from export.families.dinet_v1.served import ServedGenerator
from export.families.dinet_v1.settings import Settings
from export.families.dinet_v1.sizes import AUDIO_WIDTH, SIDE
from export.families.dinet_v1.weights import check_variant, find_weights
from export.family import Arrays, Build
from export.settings import read_settings
from export.torch_network import TorchNetwork
from export.weights import load

LICENCE = (
    "HeyGem's weights (Duix.Avatar) belong to Duix, and need its commercial licence above 1,000 "
    "monthly users; read its terms before you pass on anything made with them."
)

_COLUMNS = 20  # of features: 0.8 s
_DEVIATION = 0.2  # of HeyGem's features, about

_FACE = TensorSpec("face", "UINT8", (SIDE, SIDE, 3))
_FEATURES = TensorSpec("features", "FP32", (AUDIO_WIDTH, _COLUMNS))
_GENERATED = TensorSpec("generated", "UINT8", (SIDE, SIDE, 3))

_PICTURE = (3, SIDE, SIDE)
_CORE_INPUTS = (
    TensorSpec("source", "FP32", _PICTURE),
    TensorSpec("reference", "FP32", _PICTURE),
    TensorSpec("audio", "FP32", (AUDIO_WIDTH, _COLUMNS)),
)
_DRAWN = TensorSpec("drawn", "FP32", _PICTURE)


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    """Builds the served model.

    Args:
        checkpoint: HeyGem's file, or the generator's state dict alone.
        config: See `Settings`.

    Raises:
        InputError: If the file or the configuration is of a variant that is not supported.
    """
    settings = read_settings(Settings, config)
    core, served = _networks(checkpoint)
    return Build(
        served=TorchNetwork(served, [_FACE, _FEATURES], [_GENERATED]),
        core=TorchNetwork(core, _CORE_INPUTS, [_DRAWN]),
        examples=_examples,
        core_examples=lambda batch: _core_examples(served, _examples(batch)),
        source="a landmark2face checkpoint of HeyGem (Duix.Avatar) of its user",
        licence=LICENCE,
        summary="HeyGem's landmark2face: redraws the mouth of a face of 256x256 pixels.",
        feature_kind="heygem-bnf-256",
        crop={"kind": "heygem-v1", "wh": settings.wh_of(checkpoint)},
        paste={"mode": "landmark-hull"},
        max_batch_size=4,
    )


def _networks(checkpoint: Checkpoint) -> tuple[Generator, ServedGenerator]:
    path = find_weights(checkpoint.structure)
    if path is None:
        raise InputError(
            f"{checkpoint.path} holds no generator of HeyGem; name a file that does, such as "
            "dinet_v1_20240131.pth."
        )
    check_variant(checkpoint)
    core = Generator()
    load(core, checkpoint.state(*path), "HeyGem's landmark2face generator")
    whole = np.ones((SIDE, SIDE), np.float32)
    source = read_mask(checkpoint, "input_mask", around_mouth())
    return core, ServedGenerator(core, source, read_mask(checkpoint, "input_mask_re", whole))


def _examples(batch: int) -> Arrays:
    return {
        "face": pictures((batch, SIDE, SIDE, 3)),
        "features": numbers((batch, AUDIO_WIDTH, _COLUMNS), _DEVIATION),
    }


def _core_examples(served: ServedGenerator, given: Arrays) -> Arrays:
    source, reference, audio = served.inputs(
        torch.tensor(given["face"]), torch.tensor(given["features"])
    )
    return {"source": source.numpy(), "reference": reference.numpy(), "audio": audio.numpy()}
