"""The judge of joints: what speaking adds is compared with what a joint adds."""

import numpy as np
import pytest

from benchmarks.joints import Step, curve, judge, mouth_region
from client.errors import InputError


def steps(*, at_joint: float) -> list[Step]:
    with_face = [Step(has_face=True, source=2.0, result=5.0) for _ in range(40)]
    without = [Step(has_face=False, source=0.0, result=0.0) for _ in range(20)]
    with_face[-1] = Step(has_face=True, source=2.0, result=2.0 + at_joint)
    return [*with_face, *without]


def test_a_joint_that_changes_as_much_as_speaking_is_smooth() -> None:
    verdict = judge(steps(at_joint=3.0))
    assert verdict.joints == [40]
    assert (verdict.at_joints, verdict.elsewhere) == (3.0, 3.0)
    assert verdict.smooth


def test_a_joint_that_changes_more_is_not() -> None:
    assert not judge(steps(at_joint=3.1)).smooth


def test_a_source_that_always_shows_a_face_cannot_be_judged() -> None:
    with pytest.raises(InputError, match="no part with and no part without"):
        judge(steps(at_joint=1)[:40])


def test_the_curve_shows_the_frames_around_a_joint() -> None:
    lines = curve(steps(at_joint=5.0), 40).splitlines()
    assert len(lines) == 20
    assert lines[9].split() == ["39", "face", "2.00", "7.00", "5.00", "#" * 20]


def test_the_mouth_region_goes_from_nose_to_chin() -> None:
    mesh = np.full((468, 2), 50.0)
    mesh[[2, 152, 172, 397]] = (50, 40), (50, 90), (20, 70), (80, 70)
    assert mouth_region(mesh) == (slice(40, 91), slice(20, 81))
