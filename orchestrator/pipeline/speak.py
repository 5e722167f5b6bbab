"""Pass 2: every output frame gets the mouth of its moment and goes to the encoder, in order."""

from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import partial
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from client.constant import Constant
from client.tensors import Array
from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import composite
from orchestrator.faces.crop import crop_rgb
from orchestrator.faces.geometry import Affine, to_crop
from orchestrator.faces.ibug import landmarks_of
from orchestrator.faces.render import Geometry
from orchestrator.media.frames import Frame
from orchestrator.media.pictures import Interrupted
from orchestrator.media.pixels import Planes
from orchestrator.pipeline.avatar import PreparedAvatar, ReferenceSet, ShownFace
from orchestrator.pipeline.flow import Threads, run_stage, together
from orchestrator.pipeline.listen import Speech
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.moments import Moment, as_played, breathing
from orchestrator.pipeline.progress import Progress
from orchestrator.pipeline.restore import Restoring
from orchestrator.pipeline.state import StageState
from orchestrator.settings import Idle
from orchestrator.speech.windows import feature_window

T = TypeVar("T")
Render = tuple[Affine, Geometry]


@dataclass
class Written:
    """Counts what went to the encoder.

    Attributes:
        frames: All frames.
        with_face: Those that show the speaking face; the others passed through untouched.
    """

    frames: int = 0
    with_face: int = 0


class Writer(Protocol):
    """Takes finished pictures in order."""

    def write(self, planes: Planes) -> None:
        """Takes the next picture."""

    def finish(self, interrupted: Interrupted) -> None:
        """Completes the work and puts it in place; gives up when `interrupted` says so."""


class Speaking:
    """Pass 2 of one job.

    Attributes:
        colour: Of the clip's planes.
    """

    def __init__(
        self,
        models: JobModels,
        avatar: PreparedAvatar,
        speech: Speech,
        colour: Colour,
        frame_rate: Fraction,
        progress: Progress,
        *,
        idle: Idle = "still",
        first: int = 0,
        restoration: float = 1.0,
    ) -> None:
        """Keeps what is to be said by whom.

        Args:
            models: The job's models.
            avatar: The faces of the clip.
            speech: The features of the recording.
            colour: Colour of the clip's planes.
            frame_rate: Of clip and output.
            progress: Receives one step per frame.
            idle: Whether the people breathe; only for a photo, whose frames are all the same.
            first: Number in the output of the first frame that comes.
            restoration: How much of a restored face shows, 0..1, where faces are restored.
        """
        self._model = models.landmark2face
        self._extents = models.extents["landmark2face"]
        self._paste = models.paste
        # Both models of a frame are kept busy.
        self._depth = models.depths["landmark2face"] + models.depths.get("face_restoration", 0)
        self._avatar = avatar
        self._speech = speech
        self.colour = colour
        self._frame_rate = frame_rate
        self._progress = progress
        self._idle = idle
        self._first = first
        self._decoding = Threads("decode")
        self._encoding = Threads("encode")
        self._pixels = Threads("pixels", 2)
        self._restoring = Restoring.by(models, restoration, colour, self._pixels)
        self._constants: WeakKeyDictionary[ReferenceSet, Constant | None] = WeakKeyDictionary()

    def interrupted(self) -> bool:
        """Whether nobody waits for the next frame any more."""
        return self._decoding.interrupted()

    async def run(self, frames: Generator[Frame], writer: Writer, total: int) -> Written:
        """Renders and writes all frames and completes the file.

        Args:
            frames: The clip as it is played under the recording.
            writer: Takes the finished frames.
            total: Number of output frames, for the progress.

        Returns:
            What was written.
        """
        return await self.write(self.moments(frames), self._render, writer, total)

    async def write(
        self,
        moments: Iterator[T],
        render: Callable[[T], Awaitable[tuple[Frame, bool]]],
        writer: Writer,
        total: int,
    ) -> Written:
        """As `run`, of moments that somebody else renders.

        Args:
            moments: What there is to render, from a blocking iterator.
            render: Makes a frame of it, and tells whether it shows a face.
            writer: Takes the finished frames.
            total: Number of output frames, for the progress.
        """
        written, state = Written(), StageState()

        async def write(result: tuple[Frame, bool]) -> None:
            frame, has_face = result
            await self._encoding.run(writer.write, frame.planes)
            written.frames += 1
            written.with_face += has_face
            self._progress.advance("speak")

        self._progress.start("speak", total)
        self._progress.follow(state)
        try:
            await run_stage(moments, render, write, self._depth, self._decoding, state)
            await self._encoding.run(writer.finish, self._encoding.interrupted)
        finally:
            self.close()
        self._progress.finish("speak")
        return written

    def close(self) -> None:
        """Ends the threads, after the calls under way; whatever was run has done so."""
        for threads in (self._decoding, self._encoding, self._pixels):
            threads.close()

    def moments(self, frames: Generator[Frame]) -> Generator[Moment]:
        """What each frame shows before anyone speaks in it."""
        if self._idle == "breathe":
            return breathing(frames, self._avatar, self.colour, self._frame_rate, self._first)
        return as_played(frames, self._avatar, self._first)

    async def _render(self, moment: Moment) -> tuple[Frame, bool]:
        await self.paint(moment, await self.spoken(moment))
        return moment.frame, bool(moment.faces)

    async def spoken(self, moment: Moment) -> Sequence[Render]:
        """What every face looks like; all are rendered from the untouched frame."""
        return await together(partial(self._speak, moment), moment.faces)

    async def paint(self, moment: Moment, renders: Sequence[Render]) -> Sequence[Render]:
        """Paints the faces into the moment's frame, in place, and restores them where wanted.

        Returns:
            All that was painted.
        """
        for face, (affine, geometry) in zip(moment.faces, renders, strict=True):
            await self._pixels.run(
                composite,
                moment.frame.planes,
                self.colour,
                affine,
                geometry,
                face.references.natives,
            )
        if self._restoring is None:
            return renders
        return [*renders, *await self._restoring.restore(moment)]

    async def _speak(self, moment: Moment, face: ShownFace) -> Render:
        """What one face of a frame looks like as it speaks."""
        affine, size = face.affine, self._extents["S"]
        crop = await self._pixels.run(crop_rgb, moment.frame.planes, self.colour, affine, size)
        inputs = self._inputs(moment.position, crop, face, affine)
        outputs = await self._model(self._constant(face.references), **inputs)
        return affine, self._pasted(_geometry(outputs), face, affine).faded(face.weight)

    def _pasted(self, geometry: Geometry, face: ShownFace, affine: Affine) -> Geometry:
        """A picture gets the weights by which it is laid into the frame."""
        if self._paste is None or geometry.generated is None:
            return geometry
        landmarks = to_crop(landmarks_of(face.mesh), affine)
        return replace(geometry, mask=self._paste.mask(landmarks, len(geometry.generated)))

    def _inputs(
        self, position: int, crop: NDArray[np.uint8], face: ShownFace, affine: Affine
    ) -> dict[str, Array]:
        """Exactly what the model declares, for one face, batch axis first."""
        time_s = (position + Fraction(1, 2)) / self._frame_rate
        offered: dict[str, Array] = {
            "face": crop,
            "features": feature_window(self._speech.features, time_s, self._extents["W"]),
            "mesh": to_crop(face.mesh, affine).astype(np.float32),
        }
        return self._declared(offered)

    def _constant(self, references: ReferenceSet) -> Constant | None:
        """What a face lends to all its frames, one object for one set; None without any."""
        if references not in self._constants:
            offered: dict[str, Array] = {
                "reference": references.faces,
                "reference_mesh": references.meshes,
            }
            declared = self._declared(offered)
            self._constants[references] = Constant(declared) if declared else None
        return self._constants[references]

    def _declared(self, offered: Mapping[str, Array]) -> dict[str, Array]:
        """Those that the model declares, with a batch axis."""
        return {name: array[None] for name, array in offered.items() if name in self._model.inputs}


def _geometry(outputs: dict[str, Array]) -> Geometry:
    """The model's answer for one frame; outputs that it does not give stay neutral."""
    given = {field.name for field in fields(Geometry)} & outputs.keys()
    answer: dict[str, Any] = {name: outputs[name][0] for name in given}
    if "layers" in answer:
        answer.setdefault("source", np.zeros(len(answer["layers"]), np.int32))
    return Geometry(**answer)
