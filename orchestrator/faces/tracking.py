"""Which of the faces in a picture is the one to follow."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Detections = NDArray[np.floating[Any]]


class Follower:
    """Follows one face through the frames of a clip, in order.

    The largest face is chosen at first; afterwards the one that overlaps the last one best. When
    none does for `max_gap_frames`, the largest is chosen anew.
    """

    def __init__(
        self, *, min_score: float = 0.5, min_overlap: float = 0.1, max_gap_frames: int = 8
    ) -> None:
        """Sets what counts as a face, as the same face, and as lost.

        Args:
            min_score: Detections below it are ignored.
            min_overlap: Least intersection over union with the last box.
            max_gap_frames: Frames without the face that it is waited for.
        """
        self._min_score = min_score
        self._min_overlap = min_overlap
        self._max_gap_frames = max_gap_frames
        self._last: Detections | None = None
        self._gap_frames = 0

    def choose(self, detections: Detections) -> Detections | None:
        """Takes the detections [K,15] of the next frame, in native pixels.

        Returns:
            The followed face's detection [15], None when it is not there.
        """
        faces = detections[detections[:, 4] >= self._min_score]
        chosen = _largest(faces) if self._last is None else self._same(faces, self._last)
        if chosen is not None:
            self._last, self._gap_frames = chosen, 0
        else:
            self._gap_frames += 1
            if self._gap_frames >= self._max_gap_frames:
                self._last = None
        return chosen

    def _same(self, faces: Detections, last: Detections) -> Detections | None:
        if not len(faces):
            return None
        overlaps = overlap(faces[:, :4], last[:4])
        best = int(np.argmax(overlaps))
        return faces[best] if overlaps[best] >= self._min_overlap else None


def overlap(boxes: Detections, box: Detections) -> Detections:
    """Intersection over union of boxes [N,4] with one box [4] (x1 y1 x2 y2)."""
    low = np.maximum(boxes[:, :2], box[:2])
    high = np.minimum(boxes[:, 2:], box[2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    both = _area(boxes) + _area(box[None]) - shared
    return np.asarray(shared / np.maximum(both, np.finfo(np.float32).tiny))


def _area(boxes: Detections) -> Detections:
    return np.asarray(np.prod(np.maximum(boxes[:, 2:4] - boxes[:, :2], 0), axis=1))


def _largest(faces: Detections) -> Detections | None:
    return faces[int(np.argmax(_area(faces)))] if len(faces) else None
