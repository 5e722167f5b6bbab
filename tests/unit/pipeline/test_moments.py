from collections.abc import Generator
from fractions import Fraction

import numpy as np
import pytest

from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import Planes
from orchestrator.faces.geometry import face_affine
from orchestrator.media.frames import Frame
from orchestrator.pipeline.avatar import PreparedAvatar, ReferenceSet, ShownFace
from orchestrator.pipeline.moments import Moment, as_played, breathing
from tests.unit.faces.scenes import copied, face_mesh, noise_planes

COLOUR = Colour.named("bt709")
RATE = Fraction(25)
PHOTO = noise_planes(320, 400)
FACE = ShownFace(
    face_mesh(centre=(160, 160), width=80),
    1.0,
    ReferenceSet(np.zeros((0, 1, 1, 3), np.uint8), np.zeros((0, 468, 2), np.float32), ()),
    face_affine,
)


class Everywhere(PreparedAvatar):
    """One face that every frame shows at the same place."""

    def __init__(self) -> None:
        super().__init__(())

    def shown(self, frame: int) -> list[ShownFace]:
        return [FACE]


class Repeated:
    """A photo as often as wanted; knows whether it was closed."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.closed = False

    def frames(self) -> Generator[Frame]:
        try:
            for _ in range(self.count):
                yield Frame(0, copied(PHOTO))
        finally:
            self.closed = True


def equal(first: Planes, second: Planes) -> bool:
    return all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def breaths(count: int, rate: Fraction = RATE) -> list[Moment]:
    return list(breathing(Repeated(count).frames(), Everywhere(), COLOUR, rate))


def test_a_clip_is_shown_as_it_is_played() -> None:
    moments = list(as_played(Repeated(3).frames(), Everywhere()))
    assert [moment.position for moment in moments] == [0, 1, 2]
    assert all(equal(moment.frame.planes, PHOTO) for moment in moments)
    assert all(moment.faces == [FACE] for moment in moments)


def test_a_breathing_photo_begins_as_the_photo() -> None:
    first = breaths(1)[0]
    assert equal(first.frame.planes, PHOTO)
    assert np.array_equal(first.faces[0].mesh, FACE.mesh)


def test_a_breathing_photo_moves_with_its_mesh() -> None:
    moments = breaths(101)
    assert [moment.position for moment in moments] == list(range(101))
    last = moments[-1]
    assert not equal(last.frame.planes, PHOTO)
    assert 0.2 < np.abs(last.faces[0].mesh - FACE.mesh).max() < 5
    assert last.faces[0].mesh.dtype == np.float32
    assert last.faces[0].weight == FACE.weight


def test_motion_is_a_matter_of_time_and_not_of_frames() -> None:
    slow, fast = breaths(51)[-1], breaths(101, 2 * RATE)[-1]
    assert equal(slow.frame.planes, fast.frame.planes)
    assert np.array_equal(slow.faces[0].mesh, fast.faces[0].mesh)


def test_painting_a_frame_does_not_show_in_later_ones() -> None:
    moments = breathing(Repeated(3).frames(), Everywhere(), COLOUR, RATE)
    for plane in next(moments).frame.planes:
        plane[...] = 0
    assert equal(next(moments).frame.planes, breaths(2)[1].frame.planes)


@pytest.mark.parametrize("idle", ["still", "breathe"])
def test_frames_are_closed_when_nobody_wants_more(idle: str) -> None:
    photo = Repeated(9)
    if idle == "breathe":
        moments = breathing(photo.frames(), Everywhere(), COLOUR, RATE)
    else:
        moments = as_played(photo.frames(), Everywhere())
    next(moments)
    moments.close()
    assert photo.closed


def test_nothing_comes_of_no_frames() -> None:
    assert breaths(0) == []
