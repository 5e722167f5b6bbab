"""What of a job is shown, and how it is written: as a still or as a clip."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from orchestrator.faces.geometry import Affine, Region, covered_region
from orchestrator.faces.layout import Layout, Size
from orchestrator.faces.views import rgb
from orchestrator.media.excerpt import excerpt
from orchestrator.media.frames import Frame
from orchestrator.media.info import VideoInfo
from orchestrator.media.playback import play
from orchestrator.media.still import Still, is_still
from orchestrator.media.writer import VideoWriter
from orchestrator.pipeline.job import encoder_for
from orchestrator.pipeline.sheets import Sheets
from orchestrator.pipeline.speak import Speaking, Writer, Written
from orchestrator.pipeline.take import Take
from orchestrator.pipeline.work import Work

_ROOM = 0.25  # around the crops of the faces, of their side


@dataclass(frozen=True)
class Showing:
    """Some frames of the output of one or more takes.

    Attributes:
        takes: The job itself first.
        first: Number in the output of the first frame.
        order: The index in the clip of every frame.
        whole: Whether whole pictures are shown, not only the faces.
        role: Of the model in whose version the takes differ.
    """

    takes: Sequence[Take]
    first: int
    order: Sequence[int]
    whole: bool
    role: str | None

    @property
    def titles(self) -> list[str]:
        """Of the panels, from the left."""
        if self.role is None:
            return ["source", "result", "mask", "landmarks"]
        models = [take.work.models.by_role[self.role] for take in self.takes]
        results = [f"{self.role} {model.version}" for model in models]
        return ["source", *results, "mask", "landmarks"]

    async def write(self) -> tuple[Layout, Written]:
        """Renders the frames and puts the file in place.

        Raises:
            LipSyncError: With one sentence that says what is wrong; no output is left behind.
        """
        layout = self._layout()
        speaking = [take.speaking(self.first) for take in self.takes]
        with ExitStack() as stack:
            writer = self._writer(layout, stack)
            sheets = Sheets(speaking, self.titles, layout)
            return layout, await sheets.run(self._frames(speaking[0]), writer, len(self.order))

    @property
    def _work(self) -> Work:
        return self.takes[0].work

    def _frames(self, speaking: Speaking) -> Generator[Frame]:
        return play(
            self._work.source.video,
            len(self.order),
            self._work.settings.when_longer,
            first=self.first,
            interrupted=speaking.interrupted,
        )

    def _layout(self) -> Layout:
        video, step = self._work.source.video, self._work.source.colour().chroma_step
        faces = () if self.whole else self._faces()
        region = around(faces, (video.height, video.width), step)
        return Layout.of(region, len(self.titles), step, float(video.sample_aspect or 1))

    def _faces(self) -> list[Affine]:
        """The crops of all faces in all frames."""
        avatar = self.takes[0].avatar
        return [face.affine for index in self.order for face in avatar.shown(index)]

    def _writer(self, layout: Layout, stack: ExitStack) -> Writer:
        work = self._work
        output, video, colour = work.request.output, work.source.video, work.source.colour()
        if is_still(output):
            return Still(output, partial(rgb, colour=colour))
        start_s, duration_s = (n / video.frame_rate for n in (self.first, len(self.order)))
        sound = stack.enter_context(excerpt(work.source.audio.path, start_s, duration_s))
        pictures = _of_size(video, layout.size)
        encoder = encoder_for(pictures, work.settings)
        return stack.enter_context(VideoWriter(output, pictures, sound, encoder))


def around(faces: Iterable[Affine], shape: Size, step: Size) -> Region:
    """The part of a picture that holds some faces with room around them; all of it without any.

    Args:
        faces: Their crops.
        shape: Height and width of the picture.
        step: Luma pixels per chroma sample, x then y.
    """
    room = np.array([[-_ROOM, -_ROOM], [1 + _ROOM, 1 + _ROOM]])
    regions = [covered_region(affine, shape, box=room) for affine in faces]
    parts = np.array([region for region in regions if not region.empty])
    if not len(parts):
        return Region(0, 0, shape[1], shape[0])
    low, high = parts.min(axis=0).tolist(), parts.max(axis=0).tolist()
    return Region(*low[:2], *high[2:]).aligned(step, shape)


def _of_size(video: VideoInfo, size: Size) -> VideoInfo:
    """Pictures like those of a video, of another size, with square pixels and whole frames."""
    width, height = size
    return replace(video, width=width, height=height, sample_aspect=None, first_field=None)
