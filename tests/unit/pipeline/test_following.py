"""One chosen face through its scene."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.crops import CropKind, EyesMouth, HeyGem
from orchestrator.faces.geometry import side_px
from orchestrator.faces.observations import ObservationLog, box_of
from orchestrator.faces.tracking import Track
from orchestrator.pipeline.following import FollowedFace, Following
from orchestrator.pipeline.spool import Rows
from orchestrator.pipeline.survey import Survey
from tests.unit.faces.people import look
from tests.unit.faces.scenes import face_mesh

RATE = Fraction(25)
BUILT_IN = EyesMouth()


def mesh(
    frame: int, *, width: float = 80, opening: float = 0.0, yaw: float = 0
) -> NDArray[np.float32]:
    made = face_mesh(centre=(200 + 2 * frame, 120), width=width, opening=opening, yaw=yaw)
    eyes_x, eyes_y = made[[33, 263]].mean(axis=0)
    made[2] = eyes_x, eyes_y + 0.32 * width
    made[1, 1] = eyes_y + 0.25 * width
    return made


def followed(
    meshes: dict[int, NDArray[np.float32]], frame_count: int, crop: CropKind = BUILT_IN
) -> FollowedFace:
    log, rows = ObservationLog(), Rows((468, 2))
    for frame, points in meshes.items():
        log.add(frame, box_of(points), look(1))
        rows.append(points[None])
    seen = Survey(frame_count, (640, 360), np.zeros((frame_count, 6), np.float32), log.read(), rows)
    track = Track(range(frame_count), np.arange(len(meshes)))
    following = Following(seen, track, RATE, crop)
    for _ in following.steps():
        pass
    return following.face(4)


def test_a_face_that_is_there_all_the_time_shows_fully() -> None:
    face = followed({frame: mesh(frame) for frame in range(30)}, 30)
    assert face.frames.tolist() == list(range(30))
    assert (face.weights == 1).all()
    np.testing.assert_allclose(face.meshes[12], mesh(12), atol=0.01)


def test_a_moment_without_detection_is_bridged() -> None:
    face = followed({frame: mesh(frame) for frame in range(30) if frame not in (10, 11, 12)}, 30)
    assert face.frames.tolist() == list(range(30))
    assert (face.weights == 1).all()
    np.testing.assert_allclose(face.meshes[11], mesh(11), atol=0.01)


def test_a_longer_absence_leaves_the_frames_as_they_are_and_fades_around_them() -> None:
    face = followed({frame: mesh(frame) for frame in range(60) if not 20 <= frame < 40}, 60)
    assert face.frames.tolist() == [*range(20), *range(40, 60)]
    assert face.weights[0] == face.weights[-1] == 1
    assert face.weights[19] == face.weights[20] < 0.25
    np.testing.assert_allclose(face.meshes[20], mesh(40), atol=0.01)


def test_a_profile_fades_to_the_untouched_frame() -> None:
    turning = {frame: mesh(frame, yaw=frame * 0.03) for frame in range(60)}
    face = followed(turning, 60)
    assert face.weights[0] == 1
    assert face.weights[59] == 0
    assert np.abs(np.diff(face.weights)).max() < 0.25


def test_references_are_frames_that_show_the_face_fully() -> None:
    meshes = {frame: mesh(frame, opening=0.3 * (frame >= 15)) for frame in range(30)}
    meshes |= {frame: mesh(frame, opening=0.5) for frame in range(35, 40)}  # it fades in and out
    face = followed(meshes, 60)
    assert len(face.references) == 4
    assert all(face.weights[row] == 1 for row in face.references)


def test_a_tiny_face_does_not_show() -> None:
    assert not followed({frame: mesh(frame, width=12) for frame in range(10)}, 10).weights.any()


def test_the_proportions_of_a_crop_are_those_of_the_whole_track() -> None:
    meshes = {frame: mesh(frame) for frame in range(50)}
    for frame in range(25, 50):
        meshes[frame][152, 1] += 16  # the chin goes down and stays there
    whole = followed(meshes, 50, HeyGem()).crop
    alone = HeyGem().settled(HeyGem().measured(meshes[0][None]))

    assert side_px(whole(meshes[0])) == pytest.approx(side_px(whole(meshes[49])), rel=0.01)
    assert side_px(whole(meshes[0])) > 1.05 * side_px(alone(meshes[0]))
