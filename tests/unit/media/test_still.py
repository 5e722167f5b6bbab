from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from client.errors import OutputError
from orchestrator.media.pixels import Planes
from orchestrator.media.still import Still, is_still

RED = np.full((32, 48, 3), (220, 20, 30), np.uint8)
PLANES: Planes = (np.zeros((32, 48), np.uint8),) * 3


def red(planes: Planes) -> NDArray[np.uint8]:
    return RED


def read(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path)), np.uint8)[..., ::-1]


def write(path: Path) -> None:
    still = Still(path, red)
    still.write(PLANES)
    still.finish()


def test_a_png_has_the_very_colours(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png"), RED)


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG"])
def test_a_jpeg_has_about_the_colours(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    assert (tmp_path / name).read_bytes()[:2] == b"\xff\xd8"
    assert np.abs(read(tmp_path / name).astype(int) - RED).max() < 8


def test_nothing_is_there_before_the_end(tmp_path: Path) -> None:
    Still(tmp_path / "a.png", red).write(PLANES)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_nobody_wants_is_not_put_in_place(tmp_path: Path) -> None:
    still = Still(tmp_path / "a.png", red)
    still.write(PLANES)
    still.finish(lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    write(tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    assert np.array_equal(read(tmp_path / "a.png"), RED)


def test_no_picture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.png would be empty"):
        Still(tmp_path / "a.png", red).finish()


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.png cannot be written"):
        write(tmp_path / "gone" / "a.png")


@pytest.mark.parametrize(("name", "still"), [("a.PNG", True), ("a.jpeg", True), ("a.mp4", False)])
def test_a_still_is_known_by_its_name(name: str, still: bool) -> None:
    assert is_still(Path(name)) == still
