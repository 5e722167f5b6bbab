"""Which tensors of an ONNX file are the picture that goes in and the one that comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from export.structure import OnnxTensor, Structure

SIDE = 512
PICTURE_SHAPE = (3, SIDE, SIDE)
_FLOATS = ("FP32", "FP64")
_BATCHES = (1, -1)


@dataclass(frozen=True)
class Ports:
    """Names of the tensors that matter.

    Attributes:
        picture: The face that goes in, FP32 [batch, 3, 512, 512].
        restored: The face that comes out.
        fidelity: The single number beside the picture, which CodeFormer takes; None without it.
    """

    picture: str
    restored: str
    fidelity: OnnxTensor | None = None


def find_ports(structure: Structure) -> Ports | None:
    """Returns the ports of a restoration network, or None if the file is something else.

    One picture of 512x512 goes in and one of the same shape comes out. Further outputs are of
    training, and left alone; a further input must be a single number.
    """
    if structure.kind != "onnx":
        return None
    inputs = structure.onnx_inputs
    pictures = [spec for spec in inputs if _is_picture(spec, open_sides=False)]
    numbers = [spec for spec in inputs if _is_number(spec)]
    restored = [spec for spec in structure.onnx_outputs if _is_picture(spec, open_sides=True)]
    if len(pictures) != 1 or len(numbers) > 1 or not restored:
        return None
    if len(inputs) != 1 + len(numbers):
        return None
    return Ports(pictures[0].name, restored[0].name, numbers[0] if numbers else None)


def _is_picture(spec: OnnxTensor, *, open_sides: bool) -> bool:
    sides = (SIDE, -1) if open_sides else (SIDE,)
    return (
        spec.datatype == "FP32"
        and len(spec.shape) == 4
        and spec.shape[0] in _BATCHES
        and spec.shape[1] == 3
        and all(side in sides for side in spec.shape[2:])
    )


def _is_number(spec: OnnxTensor) -> bool:
    return spec.datatype in _FLOATS and _count(spec.shape) == 1


def _count(shape: Sequence[int]) -> int:
    return prod(1 if extent == -1 else extent for extent in shape)
