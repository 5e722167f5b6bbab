"""From the ONNX file of a restoration network to a served model."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import onnx

from client.errors import InputError
from export.batch_axis import dynamic_batch
from export.checkpoint import Checkpoint
from export.examples import pictures
from export.families.restoration.graph import at_served_opset, opset_of, single_picture
from export.families.restoration.ports import SIDE, Ports, find_ports
from export.families.restoration.rows import RowByRow
from export.families.restoration.served import FACE, with_pixels
from export.families.restoration.settings import Settings, read_settings
from export.family import Arrays, Build
from export.onnx_network import OnnxNetwork
from export.onnx_wrap import OpenedNetwork, WrappedNetwork

# Half of what the written core may be off: two pictures at once are summed in another order.
_MAX_BATCH_DIFFERENCE = 5e-5

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
    original = single_picture(checkpoint.onnx(), ports, settings.fidelity)
    core = _with_batches(original, ports, settings)
    return Build(
        served=WrappedNetwork(core, partial(with_pixels, ports=ports, settings=settings)),
        core=core,
        examples=lambda batch: {FACE: pictures((batch, SIDE, SIDE, 3))},
        core_examples=lambda batch: _examples(batch, ports, settings),
        source=f"an ONNX file of opset {opset_of(original)}",
        licence=LICENCE,
        summary=_summary(core),
        crop={"kind": "restoration-512"},
        parameters=_parameters(ports, settings),
        max_batch_size=4,
    )


def _summary(core: OpenedNetwork) -> str:
    one_by_one = " A batch runs row by row." if isinstance(core, RowByRow) else ""
    return f"Restores a face of 512x512 pixels: sharpens it and mends what was lost.{one_by_one}"


def _parameters(ports: Ports, settings: Settings) -> dict[str, float]:
    black, white = settings.input_range
    fidelity = {} if ports.fidelity is None else {"fidelity": settings.fidelity}
    return {"black": black, "white": white, **fidelity}


def _with_batches(original: onnx.ModelProto, ports: Ports, settings: Settings) -> OpenedNetwork:
    """Gives a network a batch axis: its own if it computes the same, else a loop over rows."""
    served = at_served_opset(original)
    try:
        opened = OpenedNetwork(dynamic_batch(served), original)
    except InputError:
        return RowByRow(served, original, ports)
    both = _examples(2, ports, settings)
    found = OnnxNetwork(opened.model).run(both)[ports.restored]
    expected = opened.run(both)[ports.restored]
    is_same = np.allclose(found, expected, rtol=0, atol=_MAX_BATCH_DIFFERENCE)
    return opened if is_same else RowByRow(served, original, ports)


def _examples(batch: int, ports: Ports, settings: Settings) -> Arrays:
    """Pictures as the network takes them, [batch, 3, 512, 512]."""
    black, white = settings.input_range
    planes = np.moveaxis(pictures((batch, SIDE, SIDE, 3)), 3, 1)
    return {ports.picture: (black + planes * ((white - black) / 255)).astype(np.float32)}
