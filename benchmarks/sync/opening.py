"""How far the lips are open, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from benchmarks.sync.faces import (
    LEFT_EYE_CORNER,
    RIGHT_EYE_CORNER,
    FaceMesher,
    Floats,
    Image,
)
from client.errors import InputError, MediaError, NoFaceError

INNER_UPPER_LIP: Final = 13
INNER_LOWER_LIP: Final = 14
MIN_FACE_SHARE: Final = 0.5
"""A video with a face in fewer of its frames is not judged."""


@dataclass(frozen=True)
class Curve:
    """A quantity over time.

    Attributes:
        times_s: Middle of each frame's time on screen, ascending, [N].
        values: One value per frame, [N].
    """

    times_s: Floats
    values: Floats


def lip_opening(mesh: Floats) -> float:
    """Return the gap between the inner lips of a mesh [468,2] over the distance of the eyes.

    The outer eye corners give the scale because they do not move with the mouth.
    """
    gap = np.linalg.norm(mesh[INNER_LOWER_LIP] - mesh[INNER_UPPER_LIP])
    eyes = np.linalg.norm(mesh[LEFT_EYE_CORNER] - mesh[RIGHT_EYE_CORNER])
    return float(gap / eyes)


def read_frames(video: Path) -> Iterator[tuple[float, Image]]:
    """Yield each frame's middle time in seconds and its RGB picture [H,W,3].

    Raises:
        InputError: The file is missing.
        MediaError: The file has no video that decodes.
    """
    if not video.is_file():
        raise InputError(f"Video {video} is missing; check the path.")
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            half_s = 0.5 / float(stream.average_rate or stream.guessed_rate or 25)
            for frame in container.decode(stream):
                image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                yield float(frame.time or 0.0) + half_s, image
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(f"Video {video} cannot be decoded ({error}); give a video.") from error


def measure(video: Path, mesher: FaceMesher) -> Curve:
    """Return the lip opening of every frame that shows a face.

    Raises:
        NoFaceError: Too few frames show a face.
    """
    times_s, values, count = [], [], 0
    for time_s, image in read_frames(video):
        count += 1
        mesh = mesher.mesh(image)
        if mesh is not None:
            times_s.append(time_s)
            values.append(lip_opening(mesh))
    if len(values) <= MIN_FACE_SHARE * count:
        raise NoFaceError(
            f"A face is seen in {len(values)} of {count} frames of {video}; give a talking face."
        )
    return Curve(np.array(times_s), np.array(values))
