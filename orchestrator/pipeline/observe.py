"""Which faces a frame shows: detection, landmarks of every face, and a search where none is seen.

Every frame is looked at by itself, so that frames are in flight together and Triton can batch them.
Only where the thumbnail of a frame shows no face does the frame depend on another: every few
frames the picture is searched in detail, and those between look near what was found there.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import crop_rgb, letterbox_rgb
from orchestrator.faces.geometry import (
    Affine,
    crops_apart,
    detection_affine,
    mesh_affine,
    to_native,
)
from orchestrator.faces.looks import look_of
from orchestrator.faces.observations import areas, box_of, distinct
from orchestrator.faces.search import detections_to_native, near, square_rgb, tiles, zoomed_out
from orchestrator.media.frames import Frame
from orchestrator.pipeline.flow import Threads, together
from orchestrator.pipeline.models import JobModels

_MIN_SCORE = 0.5
_MIN_SIDE_RATIO = 0.2  # of the largest face; smaller ones are people in the background
# Ordinary faces move their crop by up to 0.04 of its side after the first pass and 0.01 after the
# second; landmarks that began beside the face go on by more than 0.07.
_AT_REST = 0.03
_MOST_PASSES = 7
_SEARCH_EVERY_S = Fraction(2, 5)

Detections = NDArray[np.float32]


@dataclass(frozen=True)
class SeenFace:
    """One face in one frame.

    Attributes:
        mesh: float32 [N, 2] in native pixels.
        presence: How sure the landmark model is that it is a face.
        look: From `look_of`.
    """

    mesh: NDArray[np.float32]
    presence: float
    look: NDArray[np.uint8]

    @property
    def box(self) -> NDArray[np.float32]:
        """Bounding box [4] of the mesh."""
        return box_of(self.mesh)


@dataclass(frozen=True)
class Seen:
    """What one frame shows.

    Attributes:
        index: Of the frame.
        picture: Width and height of the frame.
        thumbnail: uint8 [S,S,3], the whole picture.
        faces: Its faces, the largest first.
    """

    index: int
    picture: tuple[int, int]
    thumbnail: NDArray[np.uint8]
    faces: Sequence[SeenFace]

    @property
    def content(self) -> NDArray[np.uint8]:
        """The thumbnail without its black bars."""
        size, longer = len(self.thumbnail), max(self.picture)
        columns, rows = (int(size * (1 - side / longer) / 2) for side in self.picture)
        return self.thumbnail[rows : size - rows, columns : size - columns]


class Observer:
    """Looks at the frames of one clip, any number of them at once."""

    def __init__(
        self,
        models: JobModels,
        colour: Colour,
        threads: Threads,
        *,
        frame_rate: Fraction,
        presence_threshold: float,
        at_most: int,
    ) -> None:
        """Sets up.

        Args:
            models: The job's models.
            colour: Colour of the frames.
            threads: Where pixels are worked on.
            frame_rate: Of the clip.
            presence_threshold: What the landmark model must give for a face.
            at_most: Faces per frame.
        """
        self._models = models
        self._colour = colour
        self._threads = threads
        self._presence_threshold = presence_threshold
        self._at_most = at_most
        self._search_every = max(round(_SEARCH_EVERY_S * frame_rate), 1)
        self._searched: dict[int, asyncio.Future[list[SeenFace]]] = {}

    async def observe(self, frame: Frame) -> Seen:
        """Looks at a frame; frames are started in order."""
        size = self._models.extents["face_detection"]["H"]
        thumbnail, letterbox = await self._threads.run(
            letterbox_rgb, frame.planes, self._colour, size
        )
        detections = letterbox.detections_to_native(await self._detections(thumbnail))
        faces = await self._faces(frame, detections)
        if not faces:
            squares = await self._squares(frame)
            faces = await self._faces(frame, await self._searched_squares(frame, squares))
        if frame.index % self._search_every == 0:
            self._search_of(frame.index).set_result(faces)
        height, width = frame.planes[0].shape
        return Seen(frame.index, (width, height), thumbnail, faces)

    def forget(self, frame_index: int) -> None:
        """Drops what only frames up to this one needed."""
        if (frame_index + 1) % self._search_every == 0:
            self._searched.pop(frame_index + 1 - self._search_every, None)

    async def _squares(self, frame: Frame) -> list[Affine]:
        """Where to look again in a frame whose thumbnail shows no face."""
        height, width = frame.planes[0].shape
        start = frame.index - frame.index % self._search_every
        if frame.index == start:
            return [zoomed_out(width, height), *tiles(width, height)]
        return [near(face.box, width, height) for face in await self._search_of(start)]

    def _search_of(self, frame_index: int) -> asyncio.Future[list[SeenFace]]:
        if frame_index not in self._searched:
            self._searched[frame_index] = asyncio.get_running_loop().create_future()
        return self._searched[frame_index]

    async def _searched_squares(self, frame: Frame, squares: Iterable[Affine]) -> Detections:
        found = await together(partial(self._in_square, frame), squares)
        return np.concatenate([np.zeros((0, 15), np.float32), *found])

    async def _in_square(self, frame: Frame, square: Affine) -> Detections:
        size = self._models.extents["face_detection"]["H"]
        image = await self._threads.run(square_rgb, frame.planes, self._colour, square, size)
        return detections_to_native(await self._detections(image), square, size)

    async def _detections(self, image: NDArray[np.uint8]) -> Detections:
        """Faces [K,15] in pixels of the image, without the padding."""
        outputs = await self._models.face_detection(image=image[None])
        detections = np.asarray(outputs["detections"][0], np.float32)
        return detections[detections[:, 4] >= _MIN_SCORE]

    async def _faces(self, frame: Frame, detections: Detections) -> list[SeenFace]:
        """The faces that matter among the detections, the largest first."""
        surest = detections[np.argsort(-detections[:, 4], kind="stable")]
        apart = surest[distinct(surest)]
        largest = apart[np.argsort(-areas(apart), kind="stable")][: self._at_most]
        located = await together(partial(self._locate, frame), largest)
        faces = [face for face in located if face is not None]
        faces = [faces[index] for index in distinct([face.box for face in faces])]
        return _mattering(faces)

    async def _locate(self, frame: Frame, detection: NDArray[np.float32]) -> SeenFace | None:
        """Landmarks aligned by the detection, then by the mesh before, until they come to rest.

        Two passes do for most faces. A face of a few pixels in the detector's picture begins so far
        off that it takes more; what never comes to rest is no face.
        """
        face = await self._landmarks(frame, detection_affine(detection))
        for _ in range(_MOST_PASSES):
            if face.presence < self._presence_threshold:
                return None
            crop = mesh_affine(face.mesh)
            face = await self._landmarks(frame, crop)
            if crops_apart(crop, mesh_affine(face.mesh)) < _AT_REST:
                return face if face.presence >= self._presence_threshold else None
        return None

    async def _landmarks(self, frame: Frame, affine: Affine) -> SeenFace:
        size = self._models.extents["face_landmarks"]["S"]
        crop = await self._threads.run(crop_rgb, frame.planes, self._colour, affine, size)
        outputs = await self._models.face_landmarks(face=crop[None])
        mesh = np.asarray(outputs["mesh"][0], np.float32)
        native = to_native(mesh, affine).astype(np.float32)
        return SeenFace(native, float(outputs["presence"][0, 0]), look_of(crop, mesh))


def _mattering(faces: list[SeenFace]) -> list[SeenFace]:
    sides = [float(np.sqrt(areas(face.box[None])[0])) for face in faces]
    least = _MIN_SIDE_RATIO * max(sides, default=0.0)
    order = sorted(range(len(faces)), key=lambda index: -sides[index])
    return [faces[index] for index in order if sides[index] >= least]
