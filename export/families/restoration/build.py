"""From the ONNX file of a restoration network to a served model."""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from client.errors import InputError, LipSyncError
from export.batch_axis import dynamic_batch
from export.checkpoint import Checkpoint
from export.examples import pictures
from export.families.restoration.graph import opset_of, single_picture
from export.families.restoration.ports import SIDE, Ports, find_ports
from export.families.restoration.rows import by_rows
from export.families.restoration.served import FACE, with_pixels
from export.families.restoration.settings import Settings, read_settings
from export.family import Build
from export.onnx_network import OnnxNetwork

Pictures = NDArray[np.float32]

# Pictures of one batch may differ by this from the same ones alone: other sums, no other meaning.
_MAX_BATCH_DIFFERENCE = 1e-3

LICENCE = (
    "The weights keep the licence they came with; look it up before you publish anything made with "
    "them. GFPGAN's are Apache-2.0 but rest on StyleGAN2, whose licence is non-commercial; "
    "CodeFormer's are under the S-Lab licence, non-commercial."
)


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    """Builds a restoration network.

    Args:
        checkpoint: An ONNX file with one face of 512x512 in and one out.
        config: `input_range`, `order` and `fidelity`; see `Settings`.

    Raises:
        InputError: If the configuration is wrong, or the file cannot be served.
    """
    settings = read_settings(config)
    ports = find_ports(checkpoint.structure)
    if ports is None:
        raise InputError(
            f"{checkpoint.path} takes no face of 512x512 and gives none; name an ONNX file with "
            "an input and an output FP32 [1, 3, 512, 512]."
        )
    alone = single_picture(checkpoint.onnx(), ports, settings.fidelity)
    core, figures = _with_batches(alone, ports, settings)
    return Build(
        served=OnnxNetwork(with_pixels(core, ports, settings)),
        core=OnnxNetwork(core),
        examples=lambda batch: {FACE: pictures((batch, SIDE, SIDE, 3))},
        core_examples=lambda batch: {ports.picture: _examples(batch, settings)},
        source=f"{checkpoint.path.name}, an ONNX file of opset {opset_of(alone)}",
        licence=LICENCE,
        summary="Restores a face of 512x512 pixels: sharpens it and mends what was lost.",
        crop={"kind": "restoration-512"},
        parameters=_parameters(ports, settings),
        figures=figures,
        max_batch_size=4,
    )


def _parameters(ports: Ports, settings: Settings) -> dict[str, float]:
    black, white = settings.input_range
    fidelity = {} if ports.fidelity is None else {"fidelity": settings.fidelity}
    return {"black": black, "white": white, **fidelity}


def _with_batches(
    model: onnx.ModelProto, ports: Ports, settings: Settings
) -> tuple[onnx.ModelProto, dict[str, float]]:
    """Gives a network a batch axis: its own if it computes the same, else a loop over rows."""
    both = _examples(2, settings)
    expected = np.concatenate([_run(model, ports, both[i : i + 1]) for i in range(2)])
    try:
        widened = dynamic_batch(model)
        difference = _difference(_run(widened, ports, both), expected)
    except LipSyncError:
        difference = float("inf")
    if difference > _MAX_BATCH_DIFFERENCE:
        widened = by_rows(model, ports)
        difference = _difference(_run(widened, ports, both), expected)
    return widened, {"batch_difference": difference}


def _examples(batch: int, settings: Settings) -> Pictures:
    """Pictures as the network takes them, [batch, 3, 512, 512]."""
    black, white = settings.input_range
    planes = np.moveaxis(pictures((batch, SIDE, SIDE, 3)), 3, 1)
    return (black + planes * ((white - black) / 255)).astype(np.float32)


def _run(model: onnx.ModelProto, ports: Ports, pictures_: Pictures) -> Pictures:
    outputs = OnnxNetwork(model).run({ports.picture: pictures_})
    return np.asarray(outputs[ports.restored], np.float32)


def _difference(found: Pictures, expected: Pictures) -> float:
    same = found.shape == expected.shape
    return float(np.abs(found - expected).max()) if same else float("inf")
