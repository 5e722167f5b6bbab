"""From the ONNX file of an SCRFD to a served detector."""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from export.batch_axis import dynamic_batch
from export.checkpoint import Checkpoint
from export.example_faces import pictures
from export.families.scrfd.decode import HALF_RANGE, MIDDLE, with_decoding
from export.families.scrfd.layout import check_rows, layout_of, side_of
from export.families.scrfd.settings import Settings
from export.family import Build
from export.graph_facts import extents, without_weights
from export.onnx_wrap import OpenedNetwork, WrappedNetwork, at_served_opset
from export.settings import read_settings

LICENCE = (
    "InsightFace gives its trained detectors away for non-commercial research only; look up the "
    "licence that your file came with."
)


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    """Builds a detector.

    Args:
        checkpoint: An ONNX file with 9 outputs, or 15.
        config: See `Settings`.

    Raises:
        InputError: If the configuration is wrong, or the variant is not known.
    """
    settings = read_settings(Settings, config)
    (picture,) = checkpoint.structure.onnx_inputs
    layout = layout_of(checkpoint.structure.onnx_outputs)
    side = side_of(picture, layout)
    original = _of_side(checkpoint.onnx(), side)
    opened = dynamic_batch(at_served_opset(original))
    check_rows([extents(output) for output in opened.graph.output], layout, side)
    core = OpenedNetwork(opened, original)
    return Build(
        served=WrappedNetwork(core, lambda model: with_decoding(model, layout, side, settings)),
        core=core,
        examples=lambda batch: {"image": pictures(batch, side)},
        core_examples=lambda batch: _planes(opened, side, batch),
        source="an SCRFD face detector",
        licence=LICENCE,
        summary=f"Finds up to 16 faces in a picture of {side}x{side} pixels (SCRFD).",
        parameters=settings.model_dump(),
    )


def _of_side(model: onnx.ModelProto, side: int) -> onnx.ModelProto:
    """Returns a copy of a network that is declared for pictures of this side."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    (picture,) = without_weights(fixed.graph)
    for dim in picture.type.tensor_type.shape.dim[2:]:
        dim.dim_value = side
    return fixed


def _planes(opened: onnx.ModelProto, side: int, batch: int) -> dict[str, NDArray[np.float32]]:
    """The examples as the network itself takes them."""
    (picture,) = without_weights(opened.graph)
    levels = pictures(batch, side).astype(np.float32).transpose(0, 3, 1, 2)
    return {picture.name: (levels - MIDDLE) / HALF_RANGE}
