"""Contact sheets: many frames of a video on one picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from benchmarks.contact_sheet import MOUTH_TILE, arrange, main, save, zoom_mouth
from benchmarks.sync.faces import FaceMesher
from benchmarks.sync.opening import read_frames
from client.errors import InputError, OutputError

DATA = Path(__file__).parents[1] / "data"
MODELS = Path(__file__).parents[2] / "model_repository"


def tile(value: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((4, 6, 3), value, np.uint8)


def test_tiles_run_in_reading_order_and_the_rest_is_black() -> None:
    sheet = arrange([tile(1), tile(2), tile(3)], columns=2)
    assert sheet.shape == (8, 12, 3)
    assert [int(sheet[y, x, 0]) for y in (0, 4) for x in (0, 6)] == [1, 2, 3, 0]


def test_the_zoom_puts_the_mouth_into_the_middle() -> None:
    _, image = next(read_frames(DATA / "portrait.mp4"))
    mesher = FaceMesher(MODELS)
    view = zoom_mouth(image, mesher)
    assert view.shape == (MOUTH_TILE, MOUTH_TILE, 3)
    lips_and_teeth = view[100:140, 80:160].astype(np.int64)
    skin = view[150:190, 60:80].astype(np.int64)
    assert np.ptp(lips_and_teeth[..., 1]) > 2 * np.ptp(skin[..., 1])


def test_a_picture_without_a_face_shows_its_middle() -> None:
    image = np.full((100, 200, 3), 60, np.uint8)
    assert zoom_mouth(image, FaceMesher(MODELS)).mean() == pytest.approx(60)


def test_the_command_writes_one_tile_for_every_so_many_frames(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(main)
    out = tmp_path / "sheet.png"
    arguments = [str(DATA / "portrait.mp4"), str(out), "--every", "50", "--columns", "2"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    sheet = cv2.imread(str(out))
    assert sheet is not None
    assert sheet.shape == (480, 640, 3)
    assert not sheet[240:, 320:].any()


def test_a_sheet_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="check its folder"):
        save([tile(1)], 1, tmp_path / "missing" / "sheet.png")
    with pytest.raises(OutputError, match=r"end the name in \.png"):
        save([tile(1)], 1, tmp_path / "sheet.nothing")
    with pytest.raises(InputError, match="no frames"):
        save([], 1, tmp_path / "sheet.png")
