"""Pass 1: find and follow the face of a clip, smooth its track, keep reference frames.

Every step of the models is independent of its neighbours (the face is detected in every frame), so
that frames are in flight together and Triton can batch them; only the choice of the face to follow
goes frame by frame.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from client.concurrency import first_cause
from client.errors import NoFaceError
from orchestrator.faces.choice import FaceChoice
from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import Reference, cut_reference
from orchestrator.faces.crop import crop_rgb, letterbox_rgb
from orchestrator.faces.geometry import (
    Affine,
    detection_affine,
    face_affine,
    mesh_affine,
    to_crop,
    to_native,
)
from orchestrator.faces.references import choose_references
from orchestrator.faces.smooth import fade, smooth_track
from orchestrator.faces.tracking import Follower
from orchestrator.media.frames import Frame
from orchestrator.pipeline.avatar import PreparedAvatar, PreparedFace, ReferenceSet
from orchestrator.pipeline.flow import Channel, Threads, start_each
from orchestrator.pipeline.models import JobModels, in_flight
from orchestrator.pipeline.progress import Progress

Frames = Callable[[], Iterator[Frame]]
_Cut = tuple[NDArray[np.uint8], Reference, NDArray[np.float32]]  # as in ReferenceSet


@dataclass(frozen=True)
class _Detected:
    frame: Frame
    detections: NDArray[np.float32]  # [K, 15] in native pixels


@dataclass(frozen=True)
class _Followed:
    frame: Frame
    detection: NDArray[np.float32] | None


@dataclass(frozen=True)
class _Landmarks:
    mesh: NDArray[np.float32]  # [N, 2] in native pixels
    presence: float


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
        self._models = models
        self._colour = colour
        self._progress = progress
        self._frame_rate = frame_rate
        self._presence_threshold = presence_threshold
        self._choice = choice
        self._all_faces = all_faces
        self._threads = Threads("prepare-decode")
        self._pixels = Threads("prepare-pixels", 2)

    async def run(self, frames: Frames, total: int | None) -> PreparedAvatar:
        """Prepares the avatar.

        Args:
            frames: Opens the clip's frames from the start; called twice.
            total: Expected number of frames, for the progress only.

        Raises:
            NoFaceError: If no frame shows a face.
        """
        try:
            self._progress.start("prepare", total)
            track = await self._track(frames())
            avatar = await self._finish(track, frames())
            self._progress.finish("prepare")
            return avatar
        finally:
            self._threads.close()
            self._pixels.close()

    async def _track(self, frames: Iterator[Frame]) -> list[_Landmarks]:
        depth = in_flight(self._models.face_detection) // 2
        source = Channel[Frame](2)
        detected = Channel[asyncio.Task[_Detected]](depth)
        followed = Channel[_Followed](1)
        landmarks = Channel[asyncio.Task[_Landmarks]](depth)
        track: list[_Landmarks] = []
        with first_cause():
            async with asyncio.TaskGroup() as group:
                group.create_task(self._threads.feed(frames, source))
                group.create_task(start_each(group, source, self._detect, detected))
                group.create_task(_follow(detected, followed))
                group.create_task(start_each(group, followed, self._locate, landmarks))
                async for task in landmarks:
                    track.append(await task)
                    self._progress.advance("prepare")
        return track

    async def _detect(self, frame: Frame) -> _Detected:
        model, size = self._models.face_detection, self._models.extents["face_detection"]["H"]
        image, letterbox = await self._pixels.run(letterbox_rgb, frame.planes, self._colour, size)
        outputs = await model(image=image[None])
        detections = np.asarray(outputs["detections"][0], np.float32)
        return _Detected(frame, letterbox.detections_to_native(detections))

    async def _locate(self, followed: _Followed) -> _Landmarks:
        """Landmarks in two passes: aligned by the detection, then by the first mesh."""
        if followed.detection is None:
            return _Landmarks(self._no_mesh(), 0.0)
        first = await self._landmarks(followed.frame, detection_affine(followed.detection))
        if first.presence < self._presence_threshold:
            return _Landmarks(self._no_mesh(), first.presence)
        return await self._landmarks(followed.frame, mesh_affine(first.mesh))

    async def _landmarks(self, frame: Frame, affine: Affine) -> _Landmarks:
        model, size = self._models.face_landmarks, self._models.extents["face_landmarks"]["S"]
        face = await self._pixels.run(crop_rgb, frame.planes, self._colour, affine, size)
        outputs = await model(face=face[None])
        mesh = to_native(np.asarray(outputs["mesh"][0], np.float32), affine)
        return _Landmarks(mesh.astype(np.float32), float(outputs["presence"][0, 0]))

    def _no_mesh(self) -> NDArray[np.float32]:
        return np.zeros((self._models.extents["face_landmarks"]["N"], 2), np.float32)

    async def _finish(self, track: list[_Landmarks], frames: Iterator[Frame]) -> PreparedAvatar:
        presence = np.array([item.presence for item in track])
        valid = presence >= self._presence_threshold
        if not valid.any():
            raise NoFaceError(
                f"No face was found in any of {len(track)} frames: give a clip or photo in which "
                "the face is larger and turned to the camera."
            )
        raw = np.stack([item.mesh for item in track])
        meshes = await self._pixels.run(smooth_track, raw, valid)
        count = self._models.extents["landmark2face"].get("R", 1)
        chosen = choose_references(meshes, valid, count)
        references = await self._references(frames, meshes, chosen, count)
        return PreparedAvatar([PreparedFace(0, meshes, fade(valid), references)])

    async def _references(
        self, frames: Iterator[Frame], meshes: NDArray[np.float32], chosen: list[int], count: int
    ) -> ReferenceSet:
        cut: dict[int, _Cut] = {}
        async with aclosing(self._threads.each(frames)) as decoded:
            async for frame in decoded:
                if frame.index in chosen:
                    mesh = meshes[frame.index]
                    cut[frame.index] = await self._pixels.run(self._cut, frame, mesh)
                if len(cut) == len(chosen):
                    break
        ordered = [cut[index] for index in chosen]
        ordered += ordered[:1] * (count - len(ordered))
        faces, natives, points = zip(*ordered, strict=True)
        return ReferenceSet(np.stack(faces), np.stack(points), natives)

    def _cut(self, frame: Frame, mesh: NDArray[np.float32]) -> _Cut:
        affine, size = face_affine(mesh), self._models.extents["landmark2face"]["S"]
        face = crop_rgb(frame.planes, self._colour, affine, size)
        points = to_crop(mesh, affine).astype(np.float32)
        return face, cut_reference(frame.planes, affine), points


async def _follow(detected: Channel[asyncio.Task[_Detected]], out: Channel[_Followed]) -> None:
    follower = Follower()
    async for task in detected:
        item = await task
        await out.put(_Followed(item.frame, follower.choose(item.detections)))
    await out.close()
