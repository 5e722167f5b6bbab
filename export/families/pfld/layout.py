"""Which output of a network of the PFLD kind holds landmarks, and how many."""

from dataclasses import dataclass
from math import prod

from export.structure import OnnxTensor, Structure

SIDE = 112
IBUG, WFLW = 68, 98

_PICTURE = (3, SIDE, SIDE)


@dataclass(frozen=True)
class Points:
    """Where landmarks are.

    Attributes:
        output: Position of the output.
        count: How many there are, 68 of the iBUG annotation or 98 of WFLW: as many x, y in 0..1 of
            the picture are the first numbers of a row of it.
    """

    output: int
    count: int


def pfpld_points(structure: Structure) -> Points | None:
    """Returns where PFPLD's points are; None if the file is something else.

    It gives the pose of the head first and 98 points second, where other numbers may follow them.
    """
    outputs = structure.onnx_outputs
    if not _takes_a_face(structure) or len(outputs) < 2 or _numbers(outputs[1]) < 2 * WFLW:
        return None
    return Points(output=1, count=WFLW)


def pfld_points(structure: Structure) -> Points | None:
    """Returns where PFLD's points are; None if the file is something else, PFPLD among it."""
    if not _takes_a_face(structure) or pfpld_points(structure) is not None:
        return None
    found = (
        Points(position, count)
        for position, output in enumerate(structure.onnx_outputs)
        for count in (IBUG, WFLW)
        if _numbers(output) == 2 * count
    )
    return next(found, None)


def _takes_a_face(structure: Structure) -> bool:
    inputs = structure.onnx_inputs
    return structure.kind == "onnx" and len(inputs) == 1 and inputs[0].shape[1:] == _PICTURE


def _numbers(output: OnnxTensor) -> int:
    """Numbers for one face; 0 where the graph leaves that open."""
    return max(prod(output.shape[1:]), 0) if len(output.shape) > 1 else 0
