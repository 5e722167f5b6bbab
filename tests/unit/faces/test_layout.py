import numpy as np
import pytest

from orchestrator.faces.colour import Colour
from orchestrator.faces.geometry import Region
from orchestrator.faces.layout import Layout
from orchestrator.faces.views import rgb
from tests.unit.faces.scenes import STEPS, noise_planes

COLOUR = Colour.named("bt709")
EVEN = (2, 2)


def test_a_small_face_is_enlarged() -> None:
    layout = Layout.of(Region(10, 10, 70, 110), 4, EVEN)
    assert layout.picture == (216, 360)


def test_what_is_large_enough_stays_as_it_is() -> None:
    assert Layout.of(Region(0, 0, 512, 512), 4, EVEN).picture == (512, 512)


@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize("step", STEPS)
def test_a_sheet_is_never_wider_than_players_show(count: int, step: tuple[int, int]) -> None:
    width, height = Layout.of(Region(0, 0, 3840, 2160), count, step).size
    assert 3800 < width <= 3840
    assert width % step[0] == height % step[1] == 0


def test_pixels_that_are_not_square_become_square() -> None:
    assert Layout.of(Region(0, 0, 720, 576), 4, EVEN, 64 / 45).picture[0] > 940
    assert Layout.of(Region(0, 0, 360, 400), 4, EVEN, 2.0).picture == (720, 400)


def test_points_and_crops_go_where_their_pixels_go() -> None:
    layout = Layout.of(Region(10, 20, 100, 110), 4, EVEN)  # four times as large
    assert layout.points(np.array([10.0, 20.0])).tolist() == [1.5, 1.5]
    affine = layout.affine(np.array([[50.0, 0, 10], [0, 50, 20]]))
    assert affine.tolist() == [[200, 0, 1.5], [0, 200, 1.5]]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("bits", [8, 10])
def test_every_panel_holds_its_picture_below_its_title(step: tuple[int, int], bits: int) -> None:
    colour = Colour.named("bt709", bits=bits, chroma_step=step)
    layout = Layout.of(Region(0, 0, 400, 400), 3, step)
    pictures = [noise_planes(400, 400, seed, bits=bits, step=step) for seed in range(3)]
    sheet = layout.sheet(pictures, ["one", "two", "landmark2face 12"], colour)
    width, height = layout.size
    assert sheet[0].shape == (height, width)
    for number, picture in enumerate(pictures):
        place = layout.place(number)
        assert np.array_equal(sheet[0][place.slices], picture[0])
        coarse = place.divided(step).slices
        assert np.array_equal(sheet[1][coarse], picture[1])
        title = rgb(sheet, colour)[: place.y0 - 2, place.x0 : place.x1]
        assert title.max() > 200
        assert title[:, :4].max() < 80  # the letters do not fill the width


def test_enlarged_samples_stay_within_their_depth() -> None:
    colour = Colour.named("bt2020", bits=10)
    planes = noise_planes(96, 64, bits=10)
    shown = Layout.of(Region(0, 0, 96, 64), 4, EVEN).shown(planes, colour)
    assert shown[0].shape == (360, 540)
    assert shown[0].dtype == np.uint16
    assert max(int(plane.max()) for plane in shown) <= 1023
