"""Pass 1: find the faces of a clip, follow them over time, choose who speaks, keep references.

The clip is decoded once to look at every frame; what was seen lies on disk. Who is who, the scenes
and the choice follow from that afterwards, without any frame. A second decoding, up to the last
reference frame, cuts the references.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from client.errors import NoFaceError
from orchestrator.faces.casting import cast
from orchestrator.faces.choice import FaceChoice
from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import cut_reference
from orchestrator.faces.crop import crop_rgb
from orchestrator.faces.geometry import Affine, to_crop
from orchestrator.faces.scenes import scene_starts
from orchestrator.faces.tracking import Track, follow
from orchestrator.media.frames import Frame
from orchestrator.pipeline.avatar import (
    KeptReference,
    KeptReferences,
    PreparedAvatar,
    PreparedFace,
)
from orchestrator.pipeline.flow import Threads
from orchestrator.pipeline.following import FollowedFace, Following
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.observe import Observer
from orchestrator.pipeline.progress import Progress
from orchestrator.pipeline.spool import Spool
from orchestrator.pipeline.survey import Survey, survey

Frames = Callable[[], Iterator[Frame]]

_FACES_PER_FRAME = 4
_FACES_PER_FRAME_OF_MANY = 8


class Preparation:
    """Pass 1 over one clip."""

    def __init__(
        self,
        models: JobModels,
        colour: Colour,
        progress: Progress,
        *,
        frame_rate: Fraction,
        presence_threshold: float,
        choice: FaceChoice,
        all_faces: bool,
    ) -> None:
        """Sets up.

        Args:
            models: The job's models.
            colour: Colour of the frames.
            progress: Receives one step per frame.
            frame_rate: Of the clip.
            presence_threshold: What the landmark model must give for a face.
            choice: Who speaks.
            all_faces: Whether everyone speaks instead.
        """
        self._models = models
        self._colour = colour
        self._progress = progress
        self._frame_rate = frame_rate
        self._choice = choice
        self._all_faces = all_faces
        self._threads = Threads("prepare-decode")
        self._pixels = Threads("prepare-pixels", 2)
        many = all_faces or choice != FaceChoice()
        self._observer = Observer(
            models,
            colour,
            self._pixels,
            frame_rate=frame_rate,
            presence_threshold=presence_threshold,
            at_most=_FACES_PER_FRAME_OF_MANY if many else _FACES_PER_FRAME,
        )

    def interrupted(self) -> bool:
        """Whether nobody waits for the next frame any more."""
        return self._threads.interrupted()

    async def run(self, frames: Frames, total: int | None) -> PreparedAvatar:
        """Prepares the avatar.

        Args:
            frames: Opens the clip's frames from the start; called twice.
            total: Expected number of frames, for the progress only.

        Raises:
            NoFaceError: If no frame shows a face that can speak, or the choice names nobody.
            OutputError: If the temporary folder is full.
        """
        try:
            self._progress.start("prepare", total)
            seen = await survey(
                frames(),
                self._observer,
                self._threads,
                self._progress,
                mesh_points=self._models.extents["face_landmarks"]["N"],
                depth=self._models.depths["face_detection"],
            )
            tracks = await self._pixels.run(self._cast, seen)
            followed = [await self._follow(seen, track) for track in tracks]
            avatar = await self._finish(followed, frames())
            self._progress.finish("prepare")
            return avatar
        finally:
            self._threads.close()
            self._pixels.close()

    def _cast(self, seen: Survey) -> list[Track]:
        if not len(seen.observations):
            raise NoFaceError(
                f"No face was found in any of {seen.frame_count} frames: give a clip or photo in "
                "which the face is larger and turned to the camera."
            )
        starts = scene_starts(seen.changes)
        tracks = follow(seen.observations, starts, seen.frame_count, self._frame_rate)
        return cast(
            tracks,
            seen.observations,
            self._choice,
            all_faces=self._all_faces,
            picture=seen.picture,
            frame_rate=self._frame_rate,
        )

    async def _follow(self, seen: Survey, track: Track) -> FollowedFace:
        """One face through its scene, in steps, so that a job can end between two."""
        following = Following(seen, track, self._frame_rate, self._models.crop)
        async with aclosing(self._threads.each(following.steps())) as steps:
            async for _ in steps:
                pass
        return await self._pixels.run(following.face, self._reference_count)

    async def _finish(
        self, faces: Sequence[FollowedFace], frames: Iterator[Frame]
    ) -> PreparedAvatar:
        speaking = [face for face in faces if face.weights.any()]
        if not speaking:
            raise NoFaceError(
                "The face is too small or turned away wherever it shows: give a clip or photo in "
                "which it is larger and turned to the camera."
            )
        speaking.sort(key=lambda face: face.side_px)  # who is near is painted over who is far
        references = await self._references(speaking, frames)
        return PreparedAvatar(
            [
                PreparedFace(face.frames, face.meshes, face.weights, kept, face.crop)
                for face, kept in zip(speaking, references, strict=True)
            ]
        )

    async def _references(
        self, faces: Sequence[FollowedFace], frames: Iterator[Frame]
    ) -> list[KeptReferences]:
        """Cuts the references of all faces while the clip passes once more."""
        wanted = _wanted(faces)
        spool, cut = Spool(), dict[tuple[int, int], KeptReference]()
        async with aclosing(self._threads.each(frames)) as decoded:
            async for frame in decoded:
                for place, row in wanted.pop(frame.index, []):
                    mesh = faces[place].meshes[row]
                    affine = faces[place].crop(mesh)
                    cut[place, row] = await self._pixels.run(self._cut, frame, mesh, affine, spool)
                if not wanted:
                    break
        return [
            KeptReferences(spool, self._filled([cut[place, row] for row in face.references]))
            for place, face in enumerate(faces)
        ]

    def _cut(
        self, frame: Frame, mesh: NDArray[np.float32], affine: Affine, spool: Spool
    ) -> KeptReference:
        size = self._models.extents["landmark2face"]["S"]
        face = crop_rgb(frame.planes, self._colour, affine, size)
        native = cut_reference(frame.planes, affine)
        y, u, v = (spool.keep(plane) for plane in native.planes)
        points = to_crop(mesh, affine).astype(np.float32)
        return KeptReference(spool.keep(face), spool.keep(points), (y, u, v), native.affine)

    def _filled(self, references: list[KeptReference]) -> list[KeptReference]:
        """As many as the model takes, by repeating the best."""
        return references + references[:1] * (self._reference_count - len(references))

    @property
    def _reference_count(self) -> int:
        return self._models.extents["landmark2face"].get("R", 1)


def _wanted(faces: Sequence[FollowedFace]) -> dict[int, list[tuple[int, int]]]:
    """Frame to the faces whose reference it is: place among the faces, and row."""
    wanted: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place, face in enumerate(faces):
        for row in face.references:
            wanted[int(face.frames[row])].append((place, row))
    return dict(wanted)
