"""Models that already keep a contract: published as they are."""

from export.family import Family
from export.structure import Structure


def recognises(structure: Structure) -> bool:
    """Whether a file can be loaded by a server at all; its tensors are looked at later."""
    return structure.kind in ("onnx", "torchscript")


FAMILY = Family(
    name="adopt",
    role="",
    title="a finished ONNX or TorchScript model",
    model_name="",
    recognises=recognises,
    builder="export.families.adopt.build:build",
)
