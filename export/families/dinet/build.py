"""Builds the DINet generator that its authors published (github.com/MRzzm/DINet)."""

from collections.abc import Callable, Mapping

import torch

from client.errors import InputError
from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.examples import numbers, pictures
from export.families.dinet.geometry import Geometry
from export.families.dinet.network import Generator
from export.families.dinet.served import ServedGenerator
from export.families.dinet.settings import Settings
from export.families.dinet.weights import Size, find_weights, read_size
from export.family import Arrays, Build
from export.settings import read_settings
from export.torch_network import TorchNetwork
from export.weights import load

LICENCE = (
    "The weights belong to whoever trained them. MRzzm/DINet, code and weights, came without a "
    "licence: ask its authors before you use or pass on anything made with them."
)

_COLUMNS = 5  # of features: 0.2 s


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    """Builds the served model.

    Args:
        checkpoint: Of its training, or the generator's state dict alone.
        config: See `Settings`.

    Raises:
        InputError: If the generator or the configuration is of a variant that is not supported.
    """
    settings = read_settings(Settings, config)
    path, size = _find(checkpoint)
    geometry, kind = Geometry(settings.mouth_region_size), settings.kind_of(size.audio_width)
    core = Generator(size.references, size.audio_width, (geometry.side, geometry.columns))
    load(core, checkpoint.state(*path), "the DINet generator")
    served, make = ServedGenerator(core, geometry), _examples(size, geometry)
    return Build(
        served=_served(served, size, geometry),
        core=_core(core, size, geometry),
        examples=make,
        core_examples=lambda batch: _core_examples(served, make(batch)),
        source="a DINet checkpoint of its user",
        licence=LICENCE,
        summary=_summary(size, geometry),
        feature_kind=kind,
        crop={"kind": "dinet-mrzzm-v1"},
        paste={"mode": "mask"},
        parameters={"mouth_region_size": geometry.mouth},
        max_batch_size=4,
    )


def _find(checkpoint: Checkpoint) -> tuple[tuple[str, ...], Size]:
    path = find_weights(checkpoint.structure)
    if path is None:
        raise InputError(f"{checkpoint.path} holds no DINet generator; name a file that does.")
    return path, read_size(checkpoint.structure.state(*path))


def _served(served: ServedGenerator, size: Size, geometry: Geometry) -> TorchNetwork:
    side = geometry.side
    return TorchNetwork(
        served,
        [
            TensorSpec("face", "UINT8", (side, side, 3)),
            TensorSpec("reference", "UINT8", (size.references, side, side, 3)),
            TensorSpec("features", "FP32", (size.audio_width, _COLUMNS)),
        ],
        [
            TensorSpec("generated", "UINT8", (side, side, 3)),
            TensorSpec("mask", "UINT8", (side, side, 1)),
        ],
    )


def _core(core: Generator, size: Size, geometry: Geometry) -> TorchNetwork:
    extents = (geometry.side, geometry.columns)
    return TorchNetwork(
        core,
        [
            TensorSpec("source", "FP32", (3, *extents)),
            TensorSpec("reference", "FP32", (3 * size.references, *extents)),
            TensorSpec("audio", "FP32", (size.audio_width, _COLUMNS)),
        ],
        [TensorSpec("drawn", "FP32", (3, *extents))],
    )


def _examples(size: Size, geometry: Geometry) -> Callable[[int], Arrays]:
    def make(batch: int) -> Arrays:
        square = (geometry.side, geometry.side, 3)
        return {
            "face": pictures((batch, *square)),
            "reference": pictures((batch, size.references, *square), seed=1),
            "features": numbers((batch, size.audio_width, _COLUMNS)),
        }

    return make


def _core_examples(served: ServedGenerator, given: Arrays) -> Arrays:
    names = ("face", "reference", "features")
    source, reference, audio = served.inputs(*(torch.tensor(given[name]) for name in names))
    return {"source": source.numpy(), "reference": reference.numpy(), "audio": audio.numpy()}


def _summary(size: Size, geometry: Geometry) -> str:
    return (
        f"DINet: redraws a mouth of {geometry.mouth}x{geometry.mouth} pixels from speech and "
        f"{size.references} other pictures of the face."
    )
