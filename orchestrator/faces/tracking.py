"""Who is who over time: the faces of a scene joined into one track per person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.looks import look_difference
from orchestrator.faces.observations import Boxes, Observations, areas, overlap

_WATCHED_S = 0.2  # a face that was seen so recently is where its motion takes it
_STEP = 0.6  # sides of a face that it may be away from there
_STEP_LOG_SIZE = 0.35
_STEP_LOOK = 30.0  # no one turns into a person so different
_SAME_PLACE = 0.5  # overlap from one frame to the next that needs no other proof
_RETURN_LOG_SIZE = 0.7  # a person who comes back is at most twice as near or far
_RETURN_LOOK = 16.0  # between the looks of one person (below 13) and of two (19 or more)
_LOOK_UNIT = 15.0  # a difference that weighs as much as one side of the face
_MEMORY = 0.1  # share of the newest look in the one that is remembered
_LOOK_SAMPLE = 50  # frames by which an appearance is known
_TURN = 0.5  # share of the newest step in the motion


@dataclass(frozen=True)
class Track:
    """One person in one scene.

    Attributes:
        scene: Frames of the scene.
        rows: Which observations show the person, in the order of frames, [K].
    """

    scene: range
    rows: NDArray[np.intp]


def follow(
    observations: Observations, scene_starts: Sequence[int], frame_count: int, frame_rate: Fraction
) -> list[Track]:
    """Joins the faces of each scene into tracks.

    In every frame the pairs of a path and a face that fit best, by place, size and look, are
    joined first. Afterwards the paths of a person who was lost and came back, wherever that is,
    are joined by look and size.

    Args:
        observations: All faces of the clip.
        scene_starts: First frame of each scene; nobody is followed across.
        frame_count: Length of the clip.
        frame_rate: Of the clip.

    Returns:
        Tracks by scene, in the order of appearance.
    """
    tracks: list[Track] = []
    stops = [*scene_starts[1:], frame_count]
    for start, stop in zip(scene_starts, stops, strict=True):
        paths = _paths(observations, start, stop, frame_rate)
        people = _people(observations, paths)
        tracks += [Track(range(start, stop), person.rows) for person in people]
    return tracks


class _Path:
    """What is remembered of a person while the frames of a scene pass."""

    def __init__(self, observations: Observations, row: int) -> None:
        self.rows = [row]
        self._frame = int(observations.frames[row])
        self._box = observations.boxes[row].astype(np.float64)
        self._motion = np.zeros(2)  # of the centre, pixels per frame
        self._look = observations.looks[row].astype(np.float32)

    def add(self, observations: Observations, row: int) -> None:
        frame, box = int(observations.frames[row]), observations.boxes[row].astype(np.float64)
        step = (_centre(box) - _centre(self._box)) / (frame - self._frame)
        continued = frame - self._frame == 1
        self._motion = self._motion + _TURN * (step - self._motion) if continued else np.zeros(2)
        self._look += _MEMORY * (observations.looks[row] - self._look)
        self._frame, self._box = frame, box
        self.rows.append(row)

    def gap(self, frame: int) -> int:
        """Frames since the person was seen."""
        return frame - self._frame

    def misfit(self, observations: Observations, row: int) -> float | None:
        """How badly a face continues the path; None when it is someone else."""
        box, gap = observations.boxes[row], self.gap(int(observations.frames[row]))
        away, growth = self._away(box, gap), _growth(self._box, box)
        look = look_difference(observations.looks[row], self._look)
        near = away <= _STEP and growth <= _STEP_LOG_SIZE and look <= _STEP_LOOK
        if near or (gap == 1 and overlap(box[None], self._box)[0] >= _SAME_PLACE):
            return away + growth + look / _LOOK_UNIT
        return None

    def _away(self, box: Boxes, gap: int) -> float:
        """Distance from where the face is expected, in sides of the face."""
        expected = _centre(self._box) + self._motion * gap
        return float(np.linalg.norm(_centre(box) - expected)) / _side(self._box)


def _frames(
    observations: Observations, start: int, stop: int
) -> Iterator[NDArray[np.signedinteger[Any]]]:
    """The rows of each frame of a scene that shows a face."""
    first, last = np.searchsorted(observations.frames, (start, stop))
    rows = np.arange(first, last)
    borders = np.flatnonzero(np.diff(observations.frames[first:last])) + 1
    yield from (part for part in np.split(rows, borders) if len(part))


def _extend(
    watched: list[_Path],
    observations: Observations,
    rows: NDArray[np.signedinteger[Any]],
) -> list[_Path]:
    """Gives the faces of one frame to the paths that they continue; returns those they begin."""
    pairs = [
        (misfit, place, int(row))
        for place, path in enumerate(watched)
        for row in rows
        if (misfit := path.misfit(observations, int(row))) is not None
    ]
    busy: set[int] = set()
    left = [int(row) for row in rows]
    for _, place, row in sorted(pairs):
        if place not in busy and row in left:
            watched[place].add(observations, row)
            busy.add(place)
            left.remove(row)
    return [_Path(observations, row) for row in left]


def _paths(
    observations: Observations, start: int, stop: int, frame_rate: Fraction
) -> list[NDArray[np.intp]]:
    """Unbroken appearances of one person each, in the order of their start."""
    longest_gap = max(int(_WATCHED_S * frame_rate), 1)
    paths: list[_Path] = []
    watched: list[_Path] = []
    for rows in _frames(observations, start, stop):
        frame = int(observations.frames[rows[0]])
        watched = [path for path in watched if path.gap(frame) <= longest_gap]
        begun = _extend(watched, observations, rows)
        watched += begun
        paths += begun
    return [np.array(path.rows, np.intp) for path in paths]


class _Person:
    """Appearances of one person in a scene."""

    def __init__(self, observations: Observations, rows: NDArray[np.intp]) -> None:
        self._observations = observations
        self._parts = [rows]
        self._look = _usual_look(observations, rows)

    @property
    def rows(self) -> NDArray[np.intp]:
        return np.concatenate(self._parts)

    def add(self, rows: NDArray[np.intp]) -> None:
        self._parts.append(rows)

    def misfit(self, rows: NDArray[np.intp]) -> float | None:
        """How badly a later appearance fits the person; None when it is someone else's."""
        last, first = self._parts[-1][-1], rows[0]
        if self._observations.frames[first] <= self._observations.frames[last]:
            return None
        growth = _growth(self._observations.boxes[last], self._observations.boxes[first])
        look = look_difference(self._look, _usual_look(self._observations, rows))
        if growth > _RETURN_LOG_SIZE or look > _RETURN_LOOK:
            return None
        return growth + look / _LOOK_UNIT


def _people(observations: Observations, paths: Sequence[NDArray[np.intp]]) -> list[_Person]:
    """Joins the appearances of each person."""
    people: list[_Person] = []
    for rows in paths:
        fits = [(person.misfit(rows), place) for place, person in enumerate(people)]
        known = [(misfit, place) for misfit, place in fits if misfit is not None]
        if known:
            people[min(known)[1]].add(rows)
        else:
            people.append(_Person(observations, rows))
    return people


def _usual_look(observations: Observations, rows: NDArray[np.intp]) -> NDArray[np.floating[Any]]:
    """The median look: what hides a face for a while does not count."""
    sample = rows[:: max(len(rows) // _LOOK_SAMPLE, 1)]
    return np.asarray(np.median(observations.looks[sample], axis=0))


def _growth(before: Boxes, after: Boxes) -> float:
    return abs(float(np.log(_side(after) / _side(before))))


def _centre(box: Boxes) -> NDArray[np.float64]:
    return np.asarray((box[:2] + box[2:]) / 2, np.float64)


def _side(box: Boxes) -> float:
    return float(np.sqrt(max(areas(box[None])[0], 1.0)))
