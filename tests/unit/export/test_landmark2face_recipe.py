"""The recipe of landmark2face: its parts, and that it still gives the committed model."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from export.builtin.landmark2face.fields import backward_field  # noqa: E402
from export.builtin.landmark2face.golden import run_onnx  # noqa: E402
from export.builtin.landmark2face.lips import mouth_frame, polyline  # noqa: E402
from export.builtin.landmark2face.onnx_file import write_onnx  # noqa: E402

FOLDER = Path(__file__).parents[3] / "model_repository" / "landmark2face" / "1"


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
