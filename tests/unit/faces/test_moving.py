from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.idle import IdleMotion
from orchestrator.faces.moving import MovingPhoto
from tests.unit.faces.scenes import OFFSETS, STEPS, copied, face_mesh, noise_planes

PORTRAIT = Path(__file__).parents[2] / "data" / "portrait.jpg"
WIDTH, HEIGHT = 480, 640
MESH = face_mesh(centre=(250, 260), width=110)
MOTION = IdleMotion([MESH], WIDTH, HEIGHT)
BT709 = Colour.named("bt709")


def spot(
    columns: NDArray[np.float64], rows: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A round spot of 0..1 at a point."""
    return np.asarray(np.exp(-((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / (2 * 4**2)))


def centre_of(
    light: NDArray[np.float64], columns: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.array([np.average(columns, weights=light), np.average(rows, weights=light)])


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("bits", [8, 10])
def test_it_starts_with_the_photo_to_the_bit(step: tuple[int, int], bits: int) -> None:
    planes = noise_planes(WIDTH, HEIGHT, bits=bits, step=step)
    colour = Colour.named("bt709", bits=bits, chroma_step=step)
    first = MovingPhoto(planes, colour, MOTION).at(0)
    for plane, old in zip(first, planes, strict=True):
        assert plane.dtype == old.dtype
        assert np.array_equal(plane, old)
        assert not np.shares_memory(plane, old)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("bits", [8, 10])
def test_only_what_moves_changes(step: tuple[int, int], bits: int) -> None:
    planes = noise_planes(2 * WIDTH, 2 * HEIGHT, bits=bits, step=step)
    before = copied(planes)
    colour = Colour.named("bt709", bits=bits, chroma_step=step)
    motion = IdleMotion([MESH], 2 * WIDTH, 2 * HEIGHT)
    moved = MovingPhoto(planes, colour, motion).at(9.0)
    assert all(np.array_equal(*pair) for pair in zip(planes, before, strict=True))
    for plane, old, (x, y) in zip(moved, before, ((1, 1), step, step), strict=True):
        changed = plane != old
        assert changed[260 // y, 250 // x - 10 : 250 // x + 10].mean() > 0.9
        assert not changed[:, 620 // x :].any()
        assert not changed[900 // y :].any()
        assert not changed[0].any()
        assert not changed[:, 0].any()


@pytest.mark.parametrize("time_s", [3.1, 8.4, 47.0])
def test_pixels_go_where_the_mesh_goes(time_s: float) -> None:
    columns, rows = np.meshgrid(np.arange(WIDTH, dtype=np.float64), np.arange(HEIGHT) * 1.0)
    for vertex in (1, 33, 61, 152, 454):
        planes = noise_planes(WIDTH, HEIGHT)
        planes[0][...] = np.rint(200 * spot(columns, rows, MESH[vertex].astype(np.float64)))
        shown = MovingPhoto(planes, BT709, MOTION).at(time_s)[0].astype(np.float64)
        np.testing.assert_allclose(
            centre_of(shown, columns, rows), MOTION.moved(MESH[vertex], time_s), atol=0.05
        )


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("bits", [8, 10])
def test_colours_go_with_them_wherever_chroma_sits(
    step: tuple[int, int], offset: tuple[float, float], bits: int
) -> None:
    colour = Colour.named("bt709", bits=bits, chroma_step=step, chroma_offset=offset)
    planes = noise_planes(WIDTH, HEIGHT, bits=bits, step=step)
    rows_of, columns_of = planes[1].shape
    columns, rows = np.meshgrid(
        np.arange(columns_of) * step[0] + offset[0], np.arange(rows_of) * step[1] + offset[1]
    )
    planes[1][...] = np.rint(200 * spot(columns, rows, MESH[61].astype(np.float64)))
    shown = MovingPhoto(planes, colour, MOTION).at(8.4)[1].astype(np.float64)
    np.testing.assert_allclose(
        centre_of(shown, columns, rows), MOTION.moved(MESH[61], 8.4), atol=0.05
    )


def test_a_photograph_stays_as_sharp_as_it_is() -> None:
    luma = np.asarray(cv2.imread(str(PORTRAIT), cv2.IMREAD_GRAYSCALE), np.uint8)
    face = slice(60, 190), slice(160, 290)
    neutral = np.full((256, 256), 128, np.uint8)
    motion = IdleMotion([face_mesh(centre=(225, 125), width=95)], 512, 512)
    photo = MovingPhoto((luma, neutral, neutral), BT709, motion)

    def sharpness(time_s: float) -> float:
        edges = cv2.Laplacian(photo.at(time_s)[0].astype(np.float32), cv2.CV_32F)
        return float(edges[face].var())

    still = sharpness(0)
    course = np.array([sharpness(time_s) for time_s in np.arange(0, 20, 0.2)]) / still
    assert course.min() > 0.88
    assert course.mean() > 0.95
    frames = np.array([sharpness(time_s) for time_s in np.arange(6, 10, 0.04)]) / still
    assert np.abs(np.diff(frames)).max() < 0.02  # nothing shimmers


@pytest.mark.parametrize("bits", [8, 10])
def test_samples_stay_within_their_codes(bits: int) -> None:
    colour = Colour.named("bt709", full_range=True, bits=bits)
    planes = noise_planes(WIDTH, HEIGHT, bits=bits)
    rng = np.random.default_rng(5)
    for plane in planes:
        plane[...] = rng.integers(0, 2, plane.shape) * colour.peak
    for plane in MovingPhoto(planes, colour, MOTION).at(8.4):
        assert plane.max() == colour.peak
        assert plane.min() == 0


@pytest.mark.parametrize(("width", "height"), [(16, 16), (70, 54), (54, 70)])
@pytest.mark.parametrize("face", [4.0, 30.0, 300.0])
def test_small_photos_and_faces_larger_than_them_move_too(
    width: int, height: int, face: float
) -> None:
    planes = noise_planes(width, height)
    motion = IdleMotion([face_mesh(centre=(width / 2, height / 2), width=face)], width, height)
    moved = MovingPhoto(planes, BT709, motion).at(8.4)
    assert np.array_equal(moved[0][[0, -1]], planes[0][[0, -1]])
    assert np.array_equal(moved[0][:, [0, -1]], planes[0][:, [0, -1]])
