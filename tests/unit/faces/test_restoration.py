"""A face is restored where restoring networks expect it, and only there."""

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import composite
from orchestrator.faces.geometry import to_crop
from orchestrator.faces.restoration import restoration_affine, restored_geometry
from tests.unit.faces.scenes import copied, noise_planes

TEMPLATE_PX = np.array(
    [(192.98, 239.95), (318.90, 240.19), (256.63, 314.02), (201.26, 371.41), (313.09, 371.15)]
)
VERTICES = ((33, 133), (362, 263), (1,), (61,), (291,))


def mesh_like(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """A mesh whose eyes, nose and mouth corners lie at five points."""
    mesh = np.zeros((468, 2), np.float32)
    for vertices, point in zip(VERTICES, points, strict=True):
        mesh[list(vertices)] = point
    return mesh


@pytest.mark.parametrize("turn_degrees", [0, 25, -70])
def test_a_face_like_the_template_lies_exactly_on_it(turn_degrees: float) -> None:
    angle, scale, offset = np.deg2rad(turn_degrees), 0.4, (130.0, 90.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    native = TEMPLATE_PX @ turn.T * scale + offset

    affine = restoration_affine(mesh_like(native))

    np.testing.assert_allclose(to_crop(native, affine) * 512 - 0.5, TEMPLATE_PX, atol=0.01)


def test_another_face_is_neither_stretched_nor_sheared() -> None:
    narrow = TEMPLATE_PX * (0.8, 1.1) + (3, 7)
    (a, b), (c, d) = restoration_affine(mesh_like(narrow))[:, :2]
    assert (a, b) == pytest.approx((d, -c))
    placed = to_crop(narrow, restoration_affine(mesh_like(narrow))) * 512 - 0.5
    assert np.linalg.norm(placed - TEMPLATE_PX, axis=-1).max() < 25
    np.testing.assert_allclose(placed.mean(axis=0), TEMPLATE_PX.mean(axis=0), atol=0.01)


def test_what_lies_outside_the_ellipse_stays_as_it_is() -> None:
    before = noise_planes(400, 400)
    after, colour = copied(before), Colour.named("bt709")
    affine = np.array([[256.0, 0, 70], [0, 256.0, 60]])

    composite(after, colour, affine, restored_geometry(np.full((512, 512, 3), 128, np.uint8), 1))

    x, y = np.meshgrid(np.arange(400), np.arange(400))
    way = np.hypot((x - 198) / (182 / 2), (y - 188) / (238 / 2))  # a texel more on each side
    assert (after[0] == before[0])[way > 1].all()
    assert (after[0] != before[0])[way < 0.6].mean() > 0.9
    assert after[0][188, 198] == pytest.approx(16 + 128 * 219 / 255, abs=1)


def test_half_the_weight_is_half_the_way() -> None:
    restored = np.full((64, 64, 3), 200, np.uint8)
    full, half = (restored_geometry(restored, weight).mask for weight in (1, 0.5))
    assert full is not None
    assert half is not None
    assert full[32, 32] == 255
    assert half[32, 32] == 128
