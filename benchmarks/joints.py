"""Does a mouth pop where a face comes or goes? ``python -m benchmarks.joints SOURCE RESULT``.

In the mouth region the result changes from frame to frame more than its source does, because the
mouth speaks. Where a face comes or goes it must not change more than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer

from benchmarks.sync.faces import FaceMesher, Floats, Image
from benchmarks.sync.opening import read_frames
from client.errors import InputError, LipSyncError

ROOT: Final = Path(__file__).parents[1]
NOSE_BASE: Final = 2
CHIN: Final = 152
JAW: Final = (172, 397)
AROUND_FRAMES: Final = 10
"""Frames before and after a joint that belong to it; a fade is shorter."""
BAR_PER_LEVEL: Final = 4


@dataclass(frozen=True)
class Step:
    """How much the mouth region changes from the frame before, in levels of 255.

    Attributes:
        has_face: Whether the source shows a face.
        source: Mean change of the source.
        result: Mean change of the result.
    """

    has_face: bool
    source: float
    result: float

    @property
    def added(self) -> float:
        """What speaking adds to the change."""
        return max(self.result - self.source, 0.0)


@dataclass(frozen=True)
class Verdict:
    """The largest added change from one frame to the next.

    Attributes:
        joints: First frame of each part with or without a face, but the first part.
        at_joints: Around the joints.
        elsewhere: In the parts with a face.
    """

    joints: list[int]
    at_joints: float
    elsewhere: float

    @property
    def smooth(self) -> bool:
        """Whether no joint changes more than speaking does."""
        return self.at_joints <= self.elsewhere


def measure(source: Path, result: Path, mesher: FaceMesher) -> list[Step]:
    """Compares a result with the clip that it was made of, frame by frame.

    Raises:
        InputError: If a file is missing.
        MediaError: If one does not decode.
    """
    steps: list[Step] = []
    before: tuple[Floats, Floats] | None = None
    region: tuple[slice, slice] | None = None
    for clip, spoken in _pairs(source, result):
        mesh = mesher.mesh(clip)
        region = region if mesh is None else mouth_region(mesh)
        now = _grey(clip), _grey(spoken)
        changes = [0.0, 0.0]
        if before is not None and region is not None:
            pairs = zip(now, before, strict=True)
            changes = [float(np.abs(new[region] - old[region]).mean()) for new, old in pairs]
        steps.append(Step(mesh is not None, *changes))
        before = now
    return steps


def judge(steps: Sequence[Step]) -> Verdict:
    """Compares the joints with the rest.

    Raises:
        InputError: If there is no joint, or no face away from one.
    """
    joints = [i for i in range(1, len(steps)) if steps[i].has_face != steps[i - 1].has_face]
    near = {i for joint in joints for i in range(joint - AROUND_FRAMES, joint + AROUND_FRAMES)}
    around = [step.added for i, step in enumerate(steps) if i in near]
    rest = [step.added for i, step in enumerate(steps) if i not in near and step.has_face]
    if not around or not rest:
        raise InputError("The source has no part with and no part without a face: join two clips.")
    return Verdict(joints, max(around), max(rest))


def curve(steps: Sequence[Step], joint: int) -> str:
    """Returns the added change around a joint as text, one frame per line."""
    lines = []
    for i in range(max(joint - AROUND_FRAMES, 0), min(joint + AROUND_FRAMES, len(steps))):
        step = steps[i]
        bar = "#" * round(step.added * BAR_PER_LEVEL)
        face = "face" if step.has_face else "    "
        lines.append(f"{i:6} {face} {step.source:7.2f} {step.result:7.2f} {step.added:6.2f} {bar}")
    return "\n".join(lines)


def mouth_region(mesh: Floats) -> tuple[slice, slice]:
    """Rows and columns from nose to chin of a mesh [468,2]."""
    jaw = mesh[list(JAW)]
    low = np.minimum(jaw.min(0), mesh[[NOSE_BASE, CHIN]].min(0))
    high = np.maximum(jaw.max(0), mesh[[NOSE_BASE, CHIN]].max(0))
    top = max(int(mesh[NOSE_BASE, 1]), 0)
    left, right, bottom = max(int(low[0]), 0), max(int(high[0]) + 1, 1), max(int(high[1]) + 1, 1)
    return slice(top, bottom), slice(left, right)


def _pairs(source: Path, result: Path) -> Iterator[tuple[Image, Image]]:
    clips, spoken = read_frames(source), read_frames(result)
    for (_, clip), (_, picture) in zip(clips, spoken, strict=False):
        yield clip, picture


def _grey(image: Image) -> Floats:
    return np.asarray(image.mean(axis=-1), np.float64)


def main(
    source: Annotated[Path, typer.Argument(help="The clip.")],
    result: Annotated[Path, typer.Argument(help="The video made of it, from its start.")],
    models: Annotated[
        Path, typer.Option(help="Model repository with face_detection and face_landmarks.")
    ] = ROOT / "model_repository",
) -> None:
    """Show how the mouth region changes around every frame where a face comes or goes."""
    try:
        steps = measure(source, result, FaceMesher(models))
        verdict = judge(steps)
    except LipSyncError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    for joint in verdict.joints:
        typer.echo(f" frame       source  result  added\n{curve(steps, joint)}\n")
    typer.echo(f"largest added change at joints    {verdict.at_joints:.2f}")
    typer.echo(f"largest added change elsewhere    {verdict.elsewhere:.2f}")
    typer.echo("smooth" if verdict.smooth else "NOT smooth")
    raise typer.Exit(0 if verdict.smooth else 1)


if __name__ == "__main__":
    typer.run(main)
