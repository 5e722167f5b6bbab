import numpy as np
import pytest

from orchestrator.faces.colour import Colour
from orchestrator.faces.search import detections_to_native, near, square_rgb, tiles, zoomed_out


@pytest.mark.parametrize(
    ("width", "height"), [(1920, 1080), (1080, 1920), (3840, 2160), (720, 576)]
)
def test_a_small_face_lies_wholly_in_one_tile_wherever_it_is(width: int, height: int) -> None:
    face = max(width, height) / 14  # just too small for the thumbnail
    squares = tiles(width, height)
    low = np.array([square[:, 2] + 0.5 for square in squares])
    high = low + np.array([square[0, 0] for square in squares])[:, None]
    for x in np.linspace(0, width - face, 60):
        for y in np.linspace(0, height - face, 60):
            inside = (low <= (x, y)).all(axis=1) & (high >= (x + face, y + face)).all(axis=1)
            assert inside.any(), (x, y)


def test_tiles_are_fine_enough_for_a_face_of_40_pixels_in_full_hd() -> None:
    assert all(40 / square[0, 0] >= 1 / 12 for square in tiles(1920, 1080))
    assert len(tiles(1920, 1080)) <= 20


def test_a_small_picture_is_not_taken_apart() -> None:
    assert tiles(320, 240) == []


def test_zooming_out_puts_the_whole_picture_into_the_middle() -> None:
    square = zoomed_out(400, 200)
    assert square[0, 0] == 1000
    np.testing.assert_allclose(square[:, 2], (-300.5, -400.5))


def test_the_square_near_a_face_leaves_room_for_its_motion() -> None:
    square = near(np.array([100, 200, 140, 250], np.float32), 640, 360)
    assert square[0, 0] == 200
    np.testing.assert_allclose(square @ (0.5, 0.5, 1), (119.5, 224.5))


def test_a_square_that_reaches_beyond_the_picture_is_black_there() -> None:
    grey = np.full((50, 100), 128, np.uint8)
    white = np.full((100, 200), 235, np.uint8), grey, grey
    image = square_rgb(white, Colour.named("bt709"), zoomed_out(200, 100), 200)
    inside = np.zeros((200, 200), np.bool_)
    inside[80:120, 60:140] = True
    assert image[inside].min() >= 254
    assert image[~inside].max() == 0


def test_the_square_near_a_huge_face_is_no_larger_than_the_search_for_it() -> None:
    assert near(np.array([-200, -300, 700, 800], np.float32), 640, 360)[0, 0] == 1600


def test_detections_in_a_square_come_back_to_their_place() -> None:
    square = near(np.array([100, 200, 140, 250], np.float32), 640, 360)
    detection = np.zeros((1, 15), np.float32)
    detection[0, :5] = 96, 96, 192, 192, 0.9
    native = detections_to_native(detection, square, 192)
    np.testing.assert_allclose(native[0, :5], (119.5, 224.5, 219.5, 324.5, 0.9), rtol=1e-6)
