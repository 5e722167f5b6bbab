"""Which of the people who were followed speak."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from client.errors import NoFaceError
from orchestrator.faces.choice import FaceChoice
from orchestrator.faces.observations import Observations, areas
from orchestrator.faces.tracking import Track

_LASTING_S = 0.5  # someone who is seen for less counts only in a scene that is hardly longer
_LASTING_SHARE = 0.3  # of the scene
_BESIDE = 0.5  # sides of a face that a point may lie beside it
_MIN_PRESENCE = 0.05  # area times frames, as a share of the most present face's


def cast(
    tracks: Sequence[Track],
    observations: Observations,
    choice: FaceChoice,
    *,
    all_faces: bool,
    picture: tuple[int, int],
    frame_rate: Fraction,
) -> list[Track]:
    """Chooses the tracks that speak, anew in every scene.

    Args:
        tracks: From `follow`, by scene.
        observations: What they were made of.
        choice: Whom to choose in each scene.
        all_faces: Whether everyone who lasts speaks instead.
        picture: Width and height.
        frame_rate: Of the clip.

    Raises:
        NoFaceError: If the choice names nobody in any scene.
    """
    scenes = [list(group) for _, group in groupby(tracks, key=lambda track: track.scene)]
    lasting = [_lasting(scene, observations, frame_rate) for scene in scenes]
    if all_faces:
        return [track for scene in lasting for track in scene]
    if choice.index is not None:
        return _by_index(lasting, observations, choice.index)
    point = choice.point_px(*picture)
    if point is None:
        return [max(scene, key=lambda track: _weight(track, observations)) for scene in lasting]
    return _by_point(lasting, observations, point)


def _lasting(
    scene: Sequence[Track], observations: Observations, frame_rate: Fraction
) -> list[Track]:
    """Those of a scene who matter; at least one."""
    heaviest = max(scene, key=lambda track: _weight(track, observations))
    least = _MIN_PRESENCE * _weight(heaviest, observations)
    frames = min(_LASTING_S * float(frame_rate), _LASTING_SHARE * len(heaviest.scene))
    return [
        track
        for track in scene
        if track is heaviest
        or (len(track.rows) >= frames and _weight(track, observations) >= least)
    ]


def _by_index(
    scenes: Sequence[Sequence[Track]], observations: Observations, index: int
) -> list[Track]:
    def first_x(track: Track) -> float:
        return float(observations.boxes[track.rows[0], [0, 2]].sum())

    chosen = [sorted(scene, key=first_x)[index] for scene in scenes if len(scene) > index]
    if not chosen:
        most = max(len(scene) for scene in scenes)
        there = f"are {most} faces, index 0 to {most - 1}" if most > 1 else "is 1 face, index 0"
        raise NoFaceError(f"There is no face of index {index}: there {there}, from the left.")
    return chosen


def _by_point(
    scenes: Sequence[Sequence[Track]], observations: Observations, point: tuple[float, float]
) -> list[Track]:
    """Who is there in each scene; where nobody is, nobody speaks."""
    nearest = [min(scene, key=lambda t: _distance(t, observations, point)) for scene in scenes]
    chosen = [track for track in nearest if _distance(track, observations, point)[0] <= _BESIDE]
    if not chosen:
        x, y = _middle(nearest[0], observations)
        raise NoFaceError(
            f"There is no face at {point[0]:g},{point[1]:g}: the nearest one is at {x:.0f},{y:.0f}."
        )
    return chosen


def _weight(track: Track, observations: Observations) -> float:
    """Accumulated area of a face."""
    return float(areas(observations.boxes[track.rows]).sum(dtype=np.float64))


def _distance(
    track: Track, observations: Observations, point: tuple[float, float]
) -> tuple[float, float]:
    """From a point to the box, in sides of it, and to its middle in pixels, at first sight."""
    box: NDArray[np.float32] = observations.boxes[track.rows[0]]
    beside = np.maximum(np.maximum(box[:2] - point, point - box[2:]), 0)
    side = float(np.max(box[2:] - box[:2]))
    middle = _middle(track, observations) - point
    return float(np.linalg.norm(beside)) / side, float(np.linalg.norm(middle))


def _middle(track: Track, observations: Observations) -> NDArray[np.float32]:
    """Where a face first appears."""
    box: NDArray[np.float32] = observations.boxes[track.rows[0]]
    return np.asarray((box[:2] + box[2:]) / 2, np.float32)
