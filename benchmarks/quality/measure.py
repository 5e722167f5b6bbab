"""All figures of one clip that speaks one recording."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.quality import mouth, pictures
from benchmarks.quality.graphs import Graph
from benchmarks.quality.mouth import Judge, MouthScores
from benchmarks.quality.sheets import Gallery
from benchmarks.quality.shots import Pair, Shot, prepared
from benchmarks.sync import phonemes
from benchmarks.sync.faces import Floats
from benchmarks.sync.opening import Curve, lip_opening
from benchmarks.sync.phonemes import Phoneme
from client.errors import NoFaceError
from orchestrator.faces.geometry import side_px

SOURCE: Final = "source"
FEWEST: Final = 25  # frames with a face


@dataclass(frozen=True)
class Figures:
    """What was measured of one version, or of the untouched clip.

    Attributes:
        mouth: How the lips follow the speech.
        sharpness: Of the mouth's box, over the source's: median over frames.
        seam: Steepness where the paint ends, over the source's: median.
        trembling: Second differences of the cheeks over time, over the source's.
        stray: Samples that changed outside the paint, in all frames.
        identity: Mean distance of points of nose, eyes and cheeks from the source's, in eye
            distances: what the landmark model sees of a change of the person, no more.
    """

    mouth: MouthScores
    sharpness: float
    seam: float
    trembling: float
    stray: int
    identity: float


@dataclass
class Tally:
    """What is collected of one track of pictures."""

    gaps: list[float] = field(default_factory=list)
    sharpness: list[float] = field(default_factory=list)
    seams: list[float] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)
    trembling: pictures.Trembling = field(default_factory=pictures.Trembling)
    stray: int = 0


class Measuring:
    """Collects figures frame by frame, so that no frame is kept."""

    def __init__(self, pair: Pair, judge: Judge) -> None:
        self._judge = judge
        self._colour = pair.work.source.colour()
        self._times_s: list[float] = []
        self.tallies = {name: Tally() for name in (SOURCE, *pair.speakers)}

    def add(self, shot: Shot) -> None:
        """Takes the next frame."""
        self._times_s.append(shot.time_s)
        box = pictures.mouth_box(shot.mesh, shot.source[0].shape)
        sharp = max(pictures.sharpness(shot.source[0], box), 1e-6)
        mesh = self._judge.mesh(shot.source, self._colour, shot.mesh)
        source = self.tallies[SOURCE]
        source.gaps.append(lip_opening(mesh))
        first = next(iter(shot.results.values()))
        still = pictures.cheeks(first.painted, shot.affine, shot.mesh)
        source.trembling.add(pictures.upright(shot.source[0], shot.affine), still)
        for name, result in shot.results.items():
            tally, planes = self.tallies[name], result.planes
            found = self._judge.mesh(planes, self._colour, shot.mesh)
            tally.gaps.append(lip_opening(found))
            tally.moved.append(_moved(found, mesh))
            tally.sharpness.append(pictures.sharpness(planes[0], box) / sharp)
            tally.seams.append(pictures.seam(shot.source[0], planes[0], result.painted))
            tally.trembling.add(pictures.upright(planes[0], shot.affine), still)
            reach_px = ceil(side_px(shot.affine) / 256) + 1
            tally.stray += pictures.stray(shot.source, planes, result.painted, reach_px)

    def figures(self, sounds: Sequence[Phoneme], frame_rate: float) -> dict[str, Figures]:
        """Returns what was measured, by version, the untouched source first.

        Raises:
            NoFaceError: If hardly a frame showed the face.
        """
        if len(self._times_s) < FEWEST:
            raise NoFaceError(f"Only {len(self._times_s)} frames show the face: measure more.")
        calm = max(self.tallies[SOURCE].trembling.mean, 1e-6)
        times_s = np.array(self._times_s)
        found = {}
        for name, tally in self.tallies.items():
            scores = mouth.score(Curve(times_s, np.array(tally.gaps)), sounds, frame_rate)
            found[name] = Figures(
                scores,
                float(np.median(tally.sharpness or [1.0])),
                float(np.median(tally.seams or [1.0])),
                tally.trembling.mean / calm,
                tally.stray,
                float(np.mean(tally.moved or [0.0])),
            )
        return found


def _moved(found: Floats, mesh: Floats) -> float:
    """Returns how far apart two meshes are where speech moves nothing, in eye distances."""
    still = list(pictures.STILL)
    eyes = float(np.linalg.norm(mesh[33] - mesh[263]))
    return float(np.linalg.norm(found[still] - mesh[still], axis=-1).mean()) / eyes


def sounds_of(speech: Path, pair: Pair) -> tuple[list[Phoneme], bool]:
    """Returns the sounds of a recording, and whether their times are known and not only heard."""
    known = speech.with_suffix(".json")
    if known.is_file():
        return phonemes.load(known), True
    features = pair.heard.features
    return mouth.sounds_of(features.take(np.arange(len(features)))), False


def measure(
    clip: Path, speech: Path, graphs: Sequence[Graph], seconds: float, judge: Judge
) -> tuple[Mapping[str, Figures], bool, Gallery]:
    """Measures all versions on one pair.

    Returns:
        Figures by version, whether the sounds' times were known, and what the frames look like.
    """
    return asyncio.run(_measured(clip, speech, graphs, seconds, judge))


async def _measured(
    clip: Path, speech: Path, graphs: Sequence[Graph], seconds: float, judge: Judge
) -> tuple[Mapping[str, Figures], bool, Gallery]:
    async with prepared(clip, speech, graphs, seconds) as pair:
        measuring, gallery = Measuring(pair, judge), Gallery(pair.work.source.colour())
        async for shot in pair.shots():
            measuring.add(shot)
            gallery.add(shot)
        sounds, known = sounds_of(speech, pair)
        return measuring.figures(sounds, float(pair.frame_rate)), known, gallery
