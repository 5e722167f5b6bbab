"""Builds a finished model: nothing is converted, so its own file is what is compared."""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from client.errors import InputError
from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.families.adopt.network import OnnxFileNetwork, ScriptFileNetwork
from export.families.adopt.settings import Settings, read_settings, specs
from export.family import Arrays, Build, Network
from export.onnx_file import external_files, parsed
from export.precision import Precision
from export.structure import OnnxTensor, TensorInfo

_LOUDNESS = 0.1  # of the noise that stands for speech


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    """Builds a model from an ONNX file or a TorchScript archive.

    Args:
        checkpoint: The file.
        config: See `Settings`.

    Raises:
        InputError: If its batch axis is fixed, or its configuration does not say what it must.
    """
    settings = read_settings(dict(config))
    if checkpoint.structure.kind == "onnx":
        network: Network = _onnx(checkpoint)
    else:
        network = _script(checkpoint, settings)

    def examples(batch: int) -> Arrays:
        return {spec.name: _example(spec, batch) for spec in network.inputs}

    return Build(
        served=network,
        core=network,
        examples=examples,
        core_examples=examples,
        source=settings.source,
        licence=settings.licence,
        summary=settings.summary,
        feature_kind=settings.feature_kind,
        crop=settings.crop.model_dump() if settings.crop is not None else None,
        window=settings.window.model_dump() if settings.window is not None else None,
        paste=settings.paste,
        parameters=settings.parameters,
        max_batch_size=settings.max_batch_size,
        queue_delay_us=settings.queue_delay_us,
    )


def _onnx(checkpoint: Checkpoint) -> OnnxFileNetwork:
    path, structure = checkpoint.path, checkpoint.structure
    return OnnxFileNetwork(
        path,
        external_files(parsed(path), path),
        _specs(structure.onnx_inputs, checkpoint),
        _specs(structure.onnx_outputs, checkpoint),
        _precision(structure.entries),
    )


def _script(checkpoint: Checkpoint, settings: Settings) -> ScriptFileNetwork:
    if not settings.inputs or not settings.outputs:
        raise InputError(
            f"{checkpoint.path} is TorchScript, which tells no shapes; write inputs and outputs "
            "into the file of --config, such as `face: {datatype: UINT8, shape: [96, 96, 3]}`."
        )
    return ScriptFileNetwork(
        checkpoint.path,
        specs(settings.inputs),
        specs(settings.outputs),
        _precision(checkpoint.structure.entries),
    )


def _specs(tensors: Sequence[OnnxTensor], checkpoint: Checkpoint) -> list[TensorSpec]:
    for tensor in tensors:
        if not tensor.shape or tensor.shape[0] != -1:
            raise InputError(
                f"The first axis of {tensor.name} in {checkpoint.path} is fixed; export it with a "
                "dynamic batch axis."
            )
    return [TensorSpec(t.name, t.datatype, t.shape[1:]) for t in tensors]


def _precision(entries: Mapping[tuple[str, ...], object]) -> Precision:
    types = {info.dtype for info in entries.values() if isinstance(info, TensorInfo)}
    return "fp16" if "float16" in types else "fp32"


def _example(spec: TensorSpec, batch: int) -> NDArray[np.generic]:
    rng = np.random.default_rng(zlib.crc32(spec.name.encode()))
    shape = (batch, *spec.shape)
    if np.issubdtype(spec.dtype, np.floating):
        noise = rng.standard_normal(shape) if spec.name == "speech" else rng.random(shape)
        return (noise * (_LOUDNESS if spec.name == "speech" else 1)).astype(spec.dtype)
    return rng.integers(0, 256 if spec.datatype == "UINT8" else 2, shape).astype(spec.dtype)
