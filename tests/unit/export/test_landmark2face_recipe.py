"""The recipe of landmark2face: its parts, and that it still gives the committed model."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor

from export.builtin.landmark2face import interior, placement
from export.builtin.landmark2face.contours import without_inside
from export.builtin.landmark2face.fields import backward_field
from export.builtin.landmark2face.golden import run_onnx
from export.builtin.landmark2face.lips import MouthFrame, mouth_frame, polyline
from export.builtin.landmark2face.mouth import Mouth
from export.builtin.landmark2face.onnx_file import write_onnx
from export.builtin.landmark2face.references import Lender
from export.builtin.landmark2face.smile import relaxing

FOLDER = Path(__file__).parents[3] / "model_repository" / "landmark2face" / "2"


def test_a_polyline_interpolates_its_knots() -> None:
    rng = np.random.default_rng(0)
    knots = np.stack([np.sort(rng.random(11)), rng.random(11)], -1).astype(np.float32)
    x = np.linspace(-0.5, 1.5, 200, dtype=np.float32)
    y = polyline(torch.from_numpy(x)[None], torch.from_numpy(knots)[None])[0].numpy()
    np.testing.assert_allclose(y, np.interp(x, knots[:, 0], knots[:, 1]), atol=2e-3)


def test_a_mouth_frame_maps_there_and_back() -> None:
    contour = torch.rand(2, 11, 2)
    frame = mouth_frame(contour)
    local = frame.to_local(contour)
    torch.testing.assert_close(local[:, 0], torch.tensor([[-0.5, 0.0]] * 2))
    torch.testing.assert_close(local[:, -1], torch.tensor([[0.5, 0.0]] * 2))
    torch.testing.assert_close(frame.to_crop(local), contour)
    x, y = frame.coordinates(contour[:1])
    torch.testing.assert_close(torch.stack([x[:1], y[:1]], -1), local[:1])


def test_a_field_takes_targets_back_to_their_sources() -> None:
    along = torch.linspace(0.3, 0.7, 5)
    target = torch.cartesian_prod(along, along)[None]
    source = target + 0.02 * torch.sin(6 * target.flip(-1))
    field = backward_field(target, target, source)
    torch.testing.assert_close(target + field, source, atol=2e-3, rtol=0)


def test_the_recipe_gives_the_committed_model(tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx")
    with np.load(FOLDER / "golden.npz") as golden:
        inputs = {k.removeprefix("input_"): golden[k] for k in golden if k.startswith("input_")}
    made, committed = (run_onnx(f / "model.onnx", inputs) for f in (tmp_path, FOLDER))
    for name, value in committed.items():
        np.testing.assert_allclose(made[name], value, atol=1e-4, err_msg=name)


def test_a_lowered_upper_lip_hides_the_upper_part_of_the_teeth() -> None:
    mouth, lender = _mouth(lip_y=0.05), _lender(lip_y=0.0)
    top = placement.place(lender, _inside(depth=0.0, gap=0.1), mouth)
    assert top.depth.item() == pytest.approx(0.05, abs=1e-3)


def test_an_upper_lip_in_its_place_leaves_the_teeth_as_they_were() -> None:
    mouth, lender = _mouth(lip_y=0.0), _lender(lip_y=0.0)
    top = placement.place(lender, _inside(depth=0.0, gap=0.1), mouth)
    assert top.depth.item() == pytest.approx(0.0, abs=1e-3)


def test_a_slit_shows_lent_teeth_only_where_they_are_bared() -> None:
    hidden, bared = torch.zeros(1, 1), torch.ones(1, 1)
    slit, opening = _inside(depth=0.0, gap=0.01), _inside(depth=0.0, gap=0.2)
    assert placement.teeth_in_light(slit, hidden).item() == 0
    assert placement.teeth_in_light(slit, bared).item() > 0.4
    assert placement.teeth_in_light(opening, hidden).item() == 1


def test_painted_teeth_show_only_in_an_open_mouth() -> None:
    slit, vowel = (_tooth_difference(_inside(0.02, gap), bared=0.0) for gap in (0.04, 0.4))
    assert slit == 0
    assert vowel > 0.05


def test_painted_teeth_show_in_a_slit_where_lips_part_before_them() -> None:
    assert _tooth_difference(_inside(0.01, gap=0.06), bared=1.0) > 0.05


def test_a_raised_tongue_covers_the_lower_middle_of_an_opening() -> None:
    raised = torch.ones(1, 1)
    assert interior.tongue_tip(_inside(depth=0.18, gap=0.2), raised).item() == 1
    assert interior.tongue_tip(_inside(depth=0.05, gap=0.2), raised).item() == 0
    assert interior.tongue_tip(_inside(depth=0.01, gap=0.02), raised).item() == 0


def test_the_inside_of_lips_has_their_colour() -> None:
    skin, lips = torch.full((1, 3), 0.6), torch.tensor([[0.5, 0.1, 0.2]])
    assert torch.equal(interior.palette(skin, lips).lining, interior.LINING_SHADE * lips)


def test_a_smile_of_shut_lips_stays_and_one_that_shows_teeth_relaxes() -> None:
    straight, shut, open_ = torch.zeros(1, 1), torch.zeros(1, 1), torch.full((1, 1), 0.2)
    assert relaxing(straight, shut).item() == 0
    assert 0.2 < relaxing(straight, open_).item() < 0.5
    assert relaxing(torch.ones(1, 1), shut).item() == 1


def test_a_field_follows_neighbours_that_move_apart() -> None:
    """Two lips that touch in the target, far apart in the source."""
    x = torch.linspace(0.4, 0.6, 6)
    target = torch.cat([torch.stack([x, torch.full_like(x, y)], -1) for y in (0.50, 0.53)])[None]
    source = target + torch.tensor([0.0, -0.03, 0.0, 0.05]).reshape(2, 2).repeat_interleave(6, 0)
    field = backward_field(target, target, source)
    torch.testing.assert_close(target + field, source, atol=8e-3, rtol=0)


def test_lips_that_are_dark_begin_further_out() -> None:
    face = torch.full((1, 256, 256, 3), 200, dtype=torch.uint8)
    face[:, 118:141, 90:166] = 20
    source = {name: _contour(y)[None] for name, y in CONTOURS.items()}
    skin = torch.full((1, 3), 200 / 255)
    moved = without_inside(source, face, skin)
    plain = without_inside(source, torch.full_like(face, 200), skin)
    middle, dark_edge = 5, 141 / 256
    assert moved["inner_lower"][0, middle, 1] > dark_edge - 0.005
    assert plain["inner_lower"][0, middle, 1] < dark_edge - 0.005
    assert moved["outer_lower"][0, middle, 1] > moved["inner_lower"][0, middle, 1]


CONTOURS = {"outer_upper": 0.44, "inner_upper": 0.47, "inner_lower": 0.52, "outer_lower": 0.56}


def _contour(y: float) -> Tensor:
    x = torch.linspace(0.35, 0.65, 11)
    return torch.stack([x, 0.5 + (y - 0.5) * (1 - (x / 0.15 - 10 / 3) ** 2)], -1)


def _tooth_difference(inside: interior.Inside, bared: float) -> float:
    colours = interior.palette(torch.full((1, 3), 0.6), torch.full((1, 3), 0.5))
    share, no_tip = torch.full((1, 1), bared), torch.zeros(1, 1)
    toothless, toothed = (
        interior.paint(inside, colours, torch.full((1, 1), teeth), share, no_tip)
        for teeth in (0.0, 1.0)
    )
    return float((toothed - toothless).abs().max())


def _inside(depth: float, gap: float) -> interior.Inside:
    """One place in the middle of a mouth."""
    return interior.Inside(*(torch.tensor([[v]]) for v in (0.0, depth, gap)))


def _mouth(lip_y: float) -> Mouth:
    """A mouth one crop unit wide, 0.3 below the nose base when `lip_y` is 0."""
    x = torch.linspace(-0.5, 0.5, 11)
    upper, lower = (torch.stack([x, torch.full((11,), y)], -1)[None] for y in (lip_y, lip_y + 0.3))
    frame = MouthFrame(torch.zeros(1, 1, 2), torch.eye(2)[None], torch.ones(1, 1, 1))
    return Mouth(frame, upper, lower, torch.tensor([[[0.0, -0.3]]]))


def _lender(lip_y: float) -> Lender:
    """A reference with that mouth, open by 0.3 and full of teeth."""
    mouth, one = _mouth(lip_y), torch.ones(1, 1)
    gap = torch.stack([mouth.upper[..., 0], torch.full((1, 11), 0.3)], -1)
    return Lender(
        number=torch.zeros(1, dtype=torch.int64), share=one, quality=one, upper=mouth.upper,
        gap=gap, below_nose=mouth.below_nose, teeth=one, hollow=0 * one,
        depths=torch.zeros(1, 3), frame=mouth.frame, scale=torch.ones(1, 1, 2),
    )  # fmt: skip
