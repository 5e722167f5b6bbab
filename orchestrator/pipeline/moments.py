"""What each output frame shows before anyone speaks in it: the clip, or a photo that breathes."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain

import numpy as np

from orchestrator.faces.colour import Colour
from orchestrator.faces.idle import IdleMotion
from orchestrator.faces.moving import MovingPhoto
from orchestrator.media.frames import Frame
from orchestrator.pipeline.avatar import PreparedAvatar, ShownFace


@dataclass(frozen=True)
class Moment:
    """One output frame.

    Attributes:
        frame: Its picture.
        position: Its number in the output.
        faces: The faces to paint in it, in the order of painting.
    """

    frame: Frame
    position: int
    faces: Sequence[ShownFace]


def as_played(
    frames: Generator[Frame], avatar: PreparedAvatar, first: int = 0
) -> Generator[Moment]:
    """Frames as they are; `first` is the number of the first one in the output."""
    with closing(frames):
        for position, frame in enumerate(frames, first):
            yield Moment(frame, position, avatar.shown(frame.index))


def breathing(
    frames: Generator[Frame],
    avatar: PreparedAvatar,
    colour: Colour,
    frame_rate: Fraction,
    first: int = 0,
) -> Generator[Moment]:
    """A photo, repeated, whose people move as time goes on; their meshes move with them."""
    with closing(frames):
        still = next(frames, None)
        if still is None:
            return
        faces = avatar.shown(still.index)
        height, width = still.planes[0].shape
        motion = IdleMotion([face.mesh for face in faces], width, height)
        photo = MovingPhoto(still.planes, colour, motion)
        for position, frame in enumerate(chain([still], frames), first):
            time_s = float(position / frame_rate)
            moved = Frame(frame.index, photo.at(time_s))
            yield Moment(moved, position, [_moved(face, motion, time_s) for face in faces])


def _moved(face: ShownFace, motion: IdleMotion, time_s: float) -> ShownFace:
    return replace(face, mesh=motion.moved(face.mesh, time_s).astype(np.float32))
