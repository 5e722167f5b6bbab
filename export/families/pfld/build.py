"""From the ONNX file of a PFLD to a served landmark model."""

from collections.abc import Mapping

from client.errors import InputError
from export.batch_axis import dynamic_batch
from export.batch_proof import noise
from export.checkpoint import Checkpoint
from export.example_faces import faces
from export.families.pfld.layout import SIDE, Points, pfld_points
from export.families.pfld.served import with_landmarks
from export.families.pfld.settings import Settings
from export.family import Build
from export.onnx_wrap import OpenedNetwork, WrappedNetwork, at_served_opset
from export.settings import read_settings

_LICENCE = (
    "Look up the licence that the file came with; networks of this kind are trained on pictures of "
    "300-W or WFLW, which are given away for research."
)


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    """Builds a PFLD.

    Args:
        checkpoint: An ONNX file with a face of 112x112 in and 136 numbers out, or 196.
        config: See `Settings`.

    Raises:
        InputError: If the configuration is wrong, or the network cannot take several faces.
    """
    return landmark_build(checkpoint, pfld_points(checkpoint.structure), config, "PFLD")


def landmark_build(
    checkpoint: Checkpoint, points: Points | None, config: Mapping[str, object], title: str
) -> Build:
    """Builds a landmark network of this kind.

    Args:
        checkpoint: Its ONNX file.
        points: Where its landmarks are, if it has any.
        config: See `Settings`.
        title: What it is called.

    Raises:
        InputError: If the configuration is wrong, or the network cannot take several faces.
    """
    settings = read_settings(Settings, config)
    if points is None:
        raise InputError(
            f"{checkpoint.path} gives no landmarks of a face of {SIDE}x{SIDE}; name the ONNX file "
            f"of a {title}."
        )
    original = checkpoint.onnx()
    opened = dynamic_batch(at_served_opset(original))
    core = OpenedNetwork(opened, original)
    side = SIDE + 2 * settings.margin
    return Build(
        served=WrappedNetwork(core, lambda model: with_landmarks(model, points, settings)),
        core=core,
        examples=lambda batch: {"face": faces(batch, side)},
        core_examples=lambda batch: noise(opened.graph, batch),
        source=f"a {title} landmark network",
        licence=_LICENCE,
        summary=f"Lays 68 landmarks and a mesh over one face ({title}, {points.count} points, "
        f"channels {settings.order}); takes every crop for a face.",
        crop={"kind": "square-1.5", "scale": 1.5, "size": side},
        parameters={"box_scale": settings.box_scale},
    )
