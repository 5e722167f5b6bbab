"""What is seen of faces in the frames of a clip, one row for each face in each frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.looks import LOOK_SHAPE

Boxes = NDArray[np.floating[Any]]

_SAME_FACE = 0.5  # intersection over union of two boxes of one frame
_ROW = np.dtype([("frame", "i4"), ("box", "f4", 4), ("look", "u1", LOOK_SHAPE)])


@dataclass(frozen=True)
class Observations:
    """Faces in the order of their frames.

    Attributes:
        frames: int32 [M], ascending.
        boxes: float32 [M,4], x1 y1 x2 y2 of the meshes in native pixels.
        looks: uint8 [M,V,3], from `look_of`.
    """

    frames: NDArray[np.int32]
    boxes: NDArray[np.float32]
    looks: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.frames)


class ObservationLog:
    """Collects observations, about 120 bytes each."""

    def __init__(self) -> None:
        self._rows = bytearray()

    def add(self, frame: int, box: Boxes, look: NDArray[np.uint8]) -> None:
        """Adds a face; frames come in order."""
        self._rows += np.array((frame, box, look), _ROW).tobytes()

    def read(self) -> Observations:
        """Everything so far."""
        rows = np.frombuffer(bytes(self._rows), _ROW)
        return Observations(rows["frame"], rows["box"], rows["look"])


def box_of(mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    """The bounding box [4] of a mesh [N,2]."""
    return np.concatenate((mesh.min(axis=0), mesh.max(axis=0)))


def areas(boxes: Boxes) -> Boxes:
    """Areas of boxes [N,4] (x1 y1 x2 y2; more columns are ignored)."""
    return np.asarray(np.prod(np.maximum(boxes[:, 2:4] - boxes[:, :2], 0), axis=1))


def overlap(boxes: Boxes, box: Boxes) -> Boxes:
    """Intersection over union of boxes [N,4] with one box [4]."""
    low = np.maximum(boxes[:, :2], box[:2])
    high = np.minimum(boxes[:, 2:4], box[2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    both = areas(boxes) + areas(box[None]) - shared
    return np.asarray(shared / np.maximum(both, np.finfo(np.float32).tiny))


def distinct(boxes: Sequence[Boxes] | Boxes) -> list[int]:
    """Which of the boxes of one frame show another face than all those kept before them."""
    kept: list[int] = []
    for index, box in enumerate(boxes):
        if not kept or overlap(np.stack([boxes[k] for k in kept]), box).max() < _SAME_FACE:
            kept.append(index)
    return kept
