"""Where a clip cuts from one scene to the next."""

from collections import deque
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]

_REACH_FRAMES = 5  # how far back a frame is compared
_SIDE_FRAMES = 3  # frames before and after a cut that must all differ across it
_GRID = 16
_MIN_CONTRAST = 4.0  # levels; less is black, white or any plain colour
_MIN_CHANGE = 8.0  # levels of 255; head and hand movements stay below
_MIN_RATIO = 4.0  # of the change across a cut to the usual change around it
_USUAL_FRAMES = 12  # on either side
_MIN_SUDDENNESS = 2.0  # of the same to the changes just before and after; fades have about 1


class Changes:
    """Compares every picture with those just before it, in memory that does not grow."""

    def __init__(self) -> None:
        self._earlier: deque[NDArray[np.float32]] = deque(maxlen=_REACH_FRAMES)

    def add(self, thumbnail: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Takes the next picture, uint8 [S,S,3].

        Returns:
            float32 [6]: mean difference in levels to the picture 1, 2, … 5 before, 0 where there is
            none; then the picture's contrast.
        """
        coarse = cv2.resize(thumbnail, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
        signature = np.asarray(coarse, np.float32)
        changes = np.zeros(_REACH_FRAMES + 1, np.float32)
        changes[-1] = signature.std()
        for back, earlier in enumerate(self._earlier):
            changes[back] = np.abs(signature - earlier).mean()
        self._earlier.appendleft(signature)
        return changes


def scene_starts(changes: NDArray[np.float32]) -> list[int]:
    """The first frame of every scene, from what `Changes` gave for each frame, [F,6].

    At a cut every one of the three frames after it differs from every one of the three before it,
    by far more than neighbours around it differ. A flash returns to what was before; a pan, a
    fade and a dissolve go on as they began; none of them is a cut. What comes after pictures
    without content is a new scene too.
    """
    if not len(changes):
        return []
    across = _across(changes)
    rises = across >= np.maximum(_MIN_CHANGE, np.roll(across, 1))
    peaks: list[int] = np.flatnonzero(rises & (across > np.roll(across, -1))).tolist()
    steps = changes[:, 0]
    cuts = [
        cut
        for cut in peaks
        if across[cut] >= _MIN_RATIO * _usual(steps, cut)
        and across[cut] >= _MIN_SUDDENNESS * steps[cut - 1 : cut + 2 : 2].max()
    ]
    starts = sorted({*cuts, *_after_blanks(changes[:, -1])})
    # What lies between two so close, such as a flash at a cut, belongs to the scene before.
    close = {one for one, other in pairwise(starts) if other - one < _SIDE_FRAMES}
    return [0, *(start for start in starts if start not in close)]


def _after_blanks(contrasts: NDArray[np.float32]) -> list[int]:
    """The frames that follow three or more blank ones."""
    blank = contrasts < _MIN_CONTRAST
    after = [~blank[_SIDE_FRAMES:], *(blank[n : n - _SIDE_FRAMES] for n in range(_SIDE_FRAMES))]
    return [int(place) + _SIDE_FRAMES for place in np.flatnonzero(np.all(after, axis=0))]


def _across(changes: NDArray[np.float32]) -> Values:
    """The least difference between the frames before and after each place, [F]."""
    least = changes[:, 0].copy()
    frames = np.arange(len(changes))
    for after in range(_SIDE_FRAMES):
        for before in range(1, _SIDE_FRAMES + 1):
            there = (frames + after < len(frames)) & (frames >= before)
            back = changes[frames[there] + after, after + before - 1]
            least[there] = np.minimum(least[there], back)
    return least


def _usual(steps: NDArray[np.float32], place: int) -> float:
    """Median change between neighbours around a place, without the place itself."""
    before = steps[max(place - _USUAL_FRAMES, 1) : place]
    around = np.concatenate((before, steps[place + 1 : place + 1 + _USUAL_FRAMES]))
    return float(np.median(around)) if len(around) else 0.0
