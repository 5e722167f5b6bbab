"""Frames of a job before they are encoded: the untouched picture beside every result."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.graphs import Graph
from client.model import ServedModel
from orchestrator.cli.display import Quiet
from orchestrator.faces.crop import Planes
from orchestrator.faces.geometry import Affine
from orchestrator.faces.render import Geometry
from orchestrator.faces.views import placed_coverage
from orchestrator.media.playback import play
from orchestrator.media.writer import frames_for
from orchestrator.pipeline.avatar import PreparedAvatar, ReferenceSet
from orchestrator.pipeline.listen import Speech
from orchestrator.pipeline.moments import Moment
from orchestrator.pipeline.speak import Speaking
from orchestrator.pipeline.waiting import JobState
from orchestrator.pipeline.work import Request, Source, Work, begun
from orchestrator.settings import load_settings
from orchestrator.speech.windows import feature_window

Floats = NDArray[np.float32]
Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Result:
    """What one version made of a frame.

    Attributes:
        planes: The finished picture.
        painted: How much of each luma pixel is painted, uint8 [H,W].
        geometry: What was painted.
    """

    planes: Planes
    painted: Codes
    geometry: Geometry


@dataclass(frozen=True)
class Shot:
    """One frame that shows the face.

    Attributes:
        position: Its number in the output.
        time_s: The middle of its time on screen.
        source: The untouched picture.
        mesh: Float [468,2] in native pixels.
        affine: The face crop.
        features: What is said, float32 [64].
        references: Frames of the clip that lend the inside of the mouth.
        results: By the name of the version.
    """

    position: int
    time_s: float
    source: Planes
    mesh: NDArray[np.floating[Any]]
    affine: Affine
    features: Floats
    references: ReferenceSet
    results: Mapping[str, Result]


@dataclass(frozen=True)
class Pair:
    """A clip and a recording, prepared."""

    work: Work
    avatar: PreparedAvatar
    heard: Speech
    speakers: Mapping[str, Speaking]
    total: int

    @property
    def frame_rate(self) -> Fraction:
        """Of clip and output."""
        return self.work.source.video.frame_rate

    async def shots(self, every: int = 1) -> AsyncIterator[Shot]:
        """Renders one frame of so many; frames without the face are left out."""
        settings, source = self.work.settings, self.work.source
        frames = play(source.video, self.total, settings.when_longer)
        for position, frame in enumerate(frames):
            faces = self.avatar.shown(frame.index)[:1]
            if position % every or not faces:
                continue
            results = {
                name: await _result(speaking, Moment(frame.copy(), position, faces))
                for name, speaking in self.speakers.items()
            }
            time_s = (position + Fraction(1, 2)) / self.frame_rate
            yield Shot(
                position,
                float(time_s),
                frame.planes,
                faces[0].mesh,
                faces[0].affine,
                feature_window(self.heard.features, time_s, 1)[:, 0],
                faces[0].references,
                results,
            )


@asynccontextmanager
async def prepared(
    clip: Path, speech: Path, graphs: Sequence[Graph], seconds: float
) -> AsyncIterator[Pair]:
    """Hears the recording and looks at the clip, as every job does."""
    settings = load_settings("default")
    request = Request(video=clip, audio=speech, output=Path("unused.mp4"))
    source = Source.of(request, settings)
    rate = source.video.frame_rate
    async with begun(request, source, settings, JobState(Quiet())) as work:
        heard = await work.hear()
        total = min(frames_for(heard.duration_s, rate), int(seconds * rate))
        avatar = await work.look(total)
        speakers = {}
        for graph in graphs:
            models = replace(work.models, landmark2face=cast("ServedModel", graph))
            speakers[graph.name] = Speaking(
                models, avatar, heard, source.colour(), rate, work.progress
            )
        try:
            yield Pair(work, avatar, heard, speakers, total)
        finally:
            for speaking in speakers.values():
                speaking.close()


async def _result(speaking: Speaking, moment: Moment) -> Result:
    renders = await speaking.spoken(moment)
    await speaking.paint(moment, renders)
    ((affine, geometry),) = renders
    planes = moment.frame.planes
    height, width = planes[0].shape
    covered = np.ceil(placed_coverage(affine, geometry, (height, width)))
    return Result(planes, covered.astype(np.uint8), geometry)
