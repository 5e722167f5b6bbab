"""One chosen face through its scene: smoothed meshes, weights, and which frames are references."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.crops import CropKind, FaceCrop
from orchestrator.faces.fading import coming_and_going, large_enough, turned_to_camera
from orchestrator.faces.geometry import face_affine, side_px
from orchestrator.faces.pose import pitch_degrees, yaw_degrees
from orchestrator.faces.references import Poses, choose_references
from orchestrator.faces.smooth import bridged, smoothed_run
from orchestrator.faces.tracking import Track
from orchestrator.pipeline.spool import Rows
from orchestrator.pipeline.survey import Survey

Places = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class FollowedFace:
    """One person in one scene.

    Attributes:
        frames: int64 [P], the frames that show the face, ascending.
        meshes: float32 [P, N, 2], smoothed, in native pixels.
        weights: float32 [P] in 0..1, how much of the speaking face each frame shows.
        references: Which of them lend their open mouth.
        crop: How the renderer's crop lies on the face.
        side_px: Median side of a box from eyes to chin, whatever the renderer's crop is.
    """

    frames: NDArray[np.int64]
    meshes: Rows
    weights: NDArray[np.float32]
    references: list[int]
    crop: FaceCrop
    side_px: float


class Following:
    """Follows one face; `steps` does the work, `face` gives the result."""

    def __init__(self, seen: Survey, track: Track, frame_rate: Fraction, crop: CropKind) -> None:
        self._seen = seen
        self._crop = crop
        self._track = track
        self._frame_rate = frame_rate
        self._frames = seen.observations.frames[track.rows]
        self._runs = bridged(self._frames, frame_rate)
        self._meshes = Rows(seen.meshes.shape)
        self._poses: list[Poses] = []
        self._turns: list[NDArray[np.floating[Any]]] = []  # yaw, pitch, side: [3,n]
        self._measured: list[NDArray[np.floating[Any]]] = []  # for the renderer's crop

    def steps(self) -> Iterator[None]:
        """Smooths and measures a few seconds of the clip at each step."""
        for run in self._runs:
            for meshes in smoothed_run(self._frames, self._read, run, self._frame_rate):
                self._meshes.append(meshes)
                self._poses.append(Poses.of(meshes))
                sides_px = [side_px(face_affine(mesh)) for mesh in meshes]
                self._turns.append(np.stack((yaw_degrees(meshes), pitch_degrees(meshes), sides_px)))
                self._measured.append(self._crop.measured(meshes))
                yield

    def face(self, reference_count: int) -> FollowedFace:
        """The face, after all steps, with references that it shows fully where it can."""
        turns = np.concatenate(self._turns, axis=1)
        weights = self._weights(turns)
        usable = weights >= min(1, weights.max())
        return FollowedFace(
            frames=np.concatenate([np.arange(start, stop) for start, stop in self._runs]),
            meshes=self._meshes,
            weights=weights,
            references=choose_references(Poses.joined(self._poses), usable, reference_count),
            crop=self._crop.settled(np.concatenate(self._measured)),
            side_px=float(np.median(turns[2])),
        )

    def _weights(self, turns: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        shown = coming_and_going(self._runs, self._track.scene, self._frame_rate)
        first = 0
        for start, stop in self._runs:
            run = slice(first, first + stop - start)
            yaw, pitch, sides_px = turns[:, run]
            shown[run] *= turned_to_camera(yaw, pitch, self._frame_rate)
            shown[run] *= large_enough(sides_px, self._frame_rate)
            first = run.stop
        return shown

    def _read(self, places: Places) -> NDArray[np.float32]:
        return self._seen.meshes.take(self._track.rows[places])
