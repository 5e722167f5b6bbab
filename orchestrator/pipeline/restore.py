"""The last thing that is done to a face that speaks: a network gives it back its detail."""

from collections.abc import Sequence
from functools import partial
from typing import Self

import numpy as np

from client.model import ServedModel
from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import composite
from orchestrator.faces.crop import crop_rgb
from orchestrator.faces.geometry import Affine
from orchestrator.faces.render import Geometry
from orchestrator.faces.restoration import restoration_affine, restored_geometry
from orchestrator.pipeline.avatar import ShownFace
from orchestrator.pipeline.flow import Threads, together
from orchestrator.pipeline.models import JobModels
from orchestrator.pipeline.moments import Moment


class Restoring:
    """Restores the faces of frames in which they were painted."""

    def __init__(
        self, model: ServedModel, size: int, strength: float, colour: Colour, threads: Threads
    ) -> None:
        """Sets up.

        Args:
            model: Restores a face.
            size: Side of the picture that it takes, in pixels.
            strength: How much of what it gives shows, 0..1.
            colour: Colour of the frames.
            threads: Where pixels are worked on.
        """
        self._model = model
        self._size = size
        self._strength = strength
        self._colour = colour
        self._threads = threads

    @classmethod
    def by(
        cls, models: JobModels, strength: float, colour: Colour, threads: Threads
    ) -> Self | None:
        """As the models of a job can do it; None where none of them restores."""
        if models.face_restoration is None:
            return None
        size = models.extents["face_restoration"]["S"]
        return cls(models.face_restoration, size, strength, colour, threads)

    async def restore(self, moment: Moment) -> Sequence[tuple[Affine, Geometry]]:
        """Restores the faces of a frame in place; each is seen as it was before all of them.

        Returns:
            What was painted, in the order of painting.
        """
        restored = await together(partial(self._restored, moment), moment.faces)
        for affine, geometry in restored:
            await self._threads.run(composite, moment.frame.planes, self._colour, affine, geometry)
        return restored

    async def _restored(self, moment: Moment, face: ShownFace) -> tuple[Affine, Geometry]:
        affine = restoration_affine(face.mesh)
        crop = await self._threads.run(
            crop_rgb, moment.frame.planes, self._colour, affine, self._size
        )
        outputs = await self._model(face=crop[None])
        restored = np.asarray(outputs["restored"][0], np.uint8)
        return affine, restored_geometry(restored, self._strength * face.weight)
