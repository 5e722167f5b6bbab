"""Frames of one or more takes of a job as sheets: source, results, mask and landmarks in a row."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from itertools import tee

from orchestrator.faces.geometry import Affine
from orchestrator.faces.layout import Layout
from orchestrator.faces.render import Geometry
from orchestrator.faces.views import landmarks_view, mask_view
from orchestrator.media.frames import Frame
from orchestrator.media.pixels import Planes
from orchestrator.pipeline.flow import Threads
from orchestrator.pipeline.moments import Moment
from orchestrator.pipeline.speak import Speaking, Writer, Written

Moments = tuple[Moment, ...]


class Sheets:
    """Pass 2 whose pictures are all that there is to see of a frame."""

    def __init__(self, takes: Sequence[Speaking], titles: Sequence[str], layout: Layout) -> None:
        """Sets up.

        Args:
            takes: Each gives a result; mask and landmarks are those of the first.
            titles: Of the panels: the source, the results, the mask and the landmarks.
            layout: Of a sheet.
        """
        self._takes = takes
        self._titles = titles
        self._layout = layout
        self._colour = takes[0].colour
        self._threads = Threads("sheets")

    async def run(self, frames: Generator[Frame], writer: Writer, total: int) -> Written:
        """Renders and writes the sheets of some frames and completes the file.

        Args:
            frames: The part of the clip, as it is played under the recording.
            writer: Takes the sheets.
            total: Number of frames, for the progress.
        """
        try:
            return await self._takes[0].write(self._moments(frames), self._render, writer, total)
        finally:
            self._threads.close()
            for take in self._takes[1:]:
                take.close()

    def _moments(self, frames: Generator[Frame]) -> Generator[Moments]:
        """Each frame as every take shows it, in memory of its own: takes paint in place."""
        with closing(frames):
            copies = zip(self._takes, tee(frames, len(self._takes)), strict=True)
            yield from zip(*(take.moments(_own(each)) for take, each in copies), strict=True)

    async def _render(self, moments: Moments) -> tuple[Frame, bool]:
        shown = moments[0]
        source = await self._shown(shown)
        renders = [
            await take.spoken(moment) for take, moment in zip(self._takes, moments, strict=True)
        ]
        painted = [
            await take.paint(moment, render)
            for take, moment, render in zip(self._takes, moments, renders, strict=True)
        ]
        results = [await self._shown(moment) for moment in moments]
        planes = await self._threads.run(self._sheet, source, results, shown, painted[0])
        return Frame(shown.frame.index, planes), bool(shown.faces)

    async def _shown(self, moment: Moment) -> Planes:
        return await self._threads.run(self._layout.shown, moment.frame.planes, self._colour)

    def _sheet(
        self,
        source: Planes,
        results: Sequence[Planes],
        moment: Moment,
        renders: Sequence[tuple[Affine, Geometry]],
    ) -> Planes:
        layout = self._layout
        placed = [(layout.affine(affine), geometry) for affine, geometry in renders]
        meshes = [layout.points(face.mesh) for face in moment.faces]
        mask = mask_view(source, self._colour, placed)
        landmarks = landmarks_view(source, self._colour, meshes)
        return layout.sheet([source, *results, mask, landmarks], self._titles, self._colour)


def _own(frames: Iterable[Frame]) -> Generator[Frame]:
    for frame in frames:
        yield frame.copy()
