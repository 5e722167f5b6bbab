"""The angles of a head that is turned in space and seen from the front."""

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.pose import pitch_degrees, yaw_degrees

# Vertex to place in space: x to the right, y down, z to the camera, in half face widths.
_HEAD = {
    234: (-1.0, 0.0, 0.0), 454: (1.0, 0.0, 0.0), 33: (-0.58, -0.26, 0.73), 263: (0.58, -0.26, 0.73),
    133: (-0.24, -0.25, 0.81), 362: (0.24, -0.25, 0.81), 1: (0, 0.23, 1.3), 2: (0, 0.36, 1.11),
}  # fmt: skip


def head(*, yaw: float = 0, pitch: float = 0, roll: float = 0) -> NDArray[np.float32]:
    """Meshes [1,468,2] of a head turned by degrees, 100 pixels half a face wide."""
    y, p, r = np.deg2rad([yaw, pitch, roll])
    around_y = [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]
    around_x = [[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]]
    around_z = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    mesh = np.zeros((468, 3))
    for vertex, place in _HEAD.items():
        mesh[vertex] = np.array(around_z) @ around_x @ around_y @ place
    return (100 * mesh[None, :, :2] + 300).astype(np.float32)


@pytest.mark.parametrize("yaw", [-70, -45, -20, 0, 20, 45, 70])
def test_yaw_is_the_angle_to_the_side(yaw: float) -> None:
    assert yaw_degrees(head(yaw=yaw))[0] == pytest.approx(yaw, abs=4)


@pytest.mark.parametrize("pitch", [-50, -25, 0, 25, 50])
def test_pitch_is_the_angle_down(pitch: float) -> None:
    assert pitch_degrees(head(pitch=pitch))[0] == pytest.approx(pitch, abs=6)


def test_a_tilted_head_is_turned_no_further() -> None:
    tilted = head(yaw=30, roll=40)
    assert yaw_degrees(tilted)[0] == pytest.approx(yaw_degrees(head(yaw=30))[0], abs=0.1)
    assert pitch_degrees(head(pitch=20, roll=40))[0] == pytest.approx(20, abs=6)


def test_the_size_of_a_face_does_not_matter() -> None:
    mesh = head(yaw=30, pitch=10)
    assert yaw_degrees(mesh / 9)[0] == pytest.approx(yaw_degrees(mesh)[0], abs=0.1)
    assert pitch_degrees(mesh / 9)[0] == pytest.approx(pitch_degrees(mesh)[0], abs=0.1)
