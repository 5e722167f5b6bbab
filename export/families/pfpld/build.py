"""From the ONNX file of a PFPLD to a served landmark model."""

from collections.abc import Mapping

from export.checkpoint import Checkpoint
from export.families.pfld.build import landmark_build
from export.families.pfld.layout import pfpld_points
from export.family import Build


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    """Builds a PFPLD.

    HeyGem shows it a detector's box grown by a tenth on the left, on the right and below, stretched
    to a square. Here it sees an upright square of 1.2 times the longer side of the mesh, in which
    nothing is stretched and a face is about a fifth narrower.

    Args:
        checkpoint: An ONNX file with a face of 112x112 in and 98 points in its second output.
        config: See `export.families.pfld.settings.Settings`.

    Raises:
        InputError: If the configuration is wrong, or the network cannot take several faces.
    """
    return landmark_build(checkpoint, pfpld_points(checkpoint.structure), config, "PFPLD")
