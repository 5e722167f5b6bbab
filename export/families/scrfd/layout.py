"""How SCRFD's outputs are laid out, and whether a file has such ones.

After InsightFace's `scrfd.py`: scores, boxes and, if there are any, keypoints, of all strides each,
told apart by nothing but their position. Three strides go with two anchors per cell, five with one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from client.errors import InputError
from export.structure import OnnxTensor, Structure

KEYPOINTS = 5
USUAL_SIDE = 640

_SCORE_BOX_KEYPOINTS = (1, 4, 2 * KEYPOINTS)
_RANKS = (2, 3)

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Layout:
    """One variant.

    Attributes:
        strides: Pixels per cell, of every output of one kind in turn.
        anchors: Per cell.
    """

    strides: tuple[int, ...]
    anchors: int

    def widths(self, kinds: int) -> tuple[int, ...]:
        """Numbers per anchor of the outputs: scores and boxes, of 3 kinds also keypoints."""
        return tuple(w for w in _SCORE_BOX_KEYPOINTS[:kinds] for _ in self.strides)

    def rows(self, side: int) -> list[int]:
        """Anchors of every stride in a square picture."""
        return [self.anchors * (side // stride) ** 2 for stride in self.strides]


LAYOUTS = (Layout((8, 16, 32), 2), Layout((8, 16, 32, 64, 128), 1))


def is_detector(structure: Structure) -> bool:
    """Whether a file has one picture in, and the outputs of one of the layouts."""
    if structure.kind != "onnx" or len(structure.onnx_inputs) != 1:
        return False
    picture = structure.onnx_inputs[0].shape
    widths = _widths(structure.onnx_outputs)
    is_known = any(widths == layout.widths(kinds) for layout in LAYOUTS for kinds in (2, 3))
    return len(picture) == 4 and picture[1] == 3 and is_known


def layout_of(outputs: Sequence[OnnxTensor]) -> Layout:
    """Returns the layout of a detector with keypoints.

    Raises:
        InputError: If it gives none.
    """
    widths = _widths(outputs)
    found = next((layout for layout in LAYOUTS if widths == layout.widths(3)), None)
    if found is None:
        raise InputError(
            "This SCRFD gives no keypoints, by which faces are put upright; use the file of the "
            "variant with them (its name has kps in it)."
        )
    return found


def side_of(picture: OnnxTensor, layout: Layout) -> int:
    """Returns the side of the square picture that a detector takes; 640 if it takes any.

    Raises:
        InputError: If it takes another shape.
    """
    height, width = (USUAL_SIDE if extent == -1 else extent for extent in picture.shape[2:])
    if height != width or height % layout.strides[-1]:
        raise InputError(
            f"This SCRFD takes pictures of {width}x{height}; export it for a square whose side is "
            f"a multiple of {layout.strides[-1]}, such as {USUAL_SIDE}x{USUAL_SIDE}."
        )
    return height


def check_rows(shapes: Sequence[Shape], layout: Layout, side: int) -> None:
    """Checks what a detector with a batch axis gives: shapes [batch, rows, width].

    Raises:
        InputError: If they are those of other strides or anchors.
    """
    expected = list(zip(layout.rows(side) * 3, layout.widths(3), strict=True))
    found = [shape[1:] for shape in shapes]
    if found != expected:
        raise InputError(
            f"This SCRFD gives {found} for each picture, where strides "
            f"{', '.join(map(str, layout.strides))} with {layout.anchors} anchors a cell give "
            f"{expected}; this variant is not known."
        )


def _widths(outputs: Sequence[OnnxTensor]) -> tuple[int, ...]:
    return tuple(t.shape[-1] if len(t.shape) in _RANKS else -1 for t in outputs)
