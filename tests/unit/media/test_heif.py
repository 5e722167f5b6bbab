"""Photos in HEIC and AVIF are photos like any other."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from client.errors import MediaError
from orchestrator.media.frames import read_frames
from orchestrator.media.heif import is_heif, read_heif
from orchestrator.media.info import probe_video

DATA = Path(__file__).parents[2] / "data"


def luma(path: Path) -> NDArray[np.float64]:
    (frame,) = read_frames(probe_video(path))
    return frame.planes[0].astype(np.float64)


def test_a_heic_shows_what_its_jpeg_shows(tmp_path: Path) -> None:
    jpeg = tmp_path / "photo.jpg"
    Image.open(DATA / "portrait.jpg").resize((320, 320)).save(jpeg, quality=95)

    assert probe_video(DATA / "portrait.heic").is_photo
    assert np.abs(luma(DATA / "portrait.heic") - luma(jpeg)).mean() < 3


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1))])
def test_an_avif_is_turned_upright(
    tmp_path: Path, orientation: int, corner: tuple[int, int]
) -> None:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:16, :16] = 255
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(pixels).save(tmp_path / "photo.avif", quality=95, exif=exif)

    shown = luma(tmp_path / "photo.avif")

    assert shown.shape == ((64, 48) if orientation == 6 else (48, 64))
    assert shown[corner] > 200
    assert (shown > 128).mean() == pytest.approx(16 * 16 / (48 * 64), abs=0.02)


def test_transparency_lies_over_black(tmp_path: Path) -> None:
    pixels = np.full((32, 32, 4), 255, np.uint8)
    pixels[:, :16, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "photo.avif", quality=95)

    shown = luma(tmp_path / "photo.avif")

    assert shown[:, :12].max() < 24
    assert shown[:, 20:].min() > 225


@pytest.mark.parametrize("kept", [0.05, 0.3, 0.6, 0.95])
def test_a_heic_that_was_cut_short_is_refused(tmp_path: Path, kept: float) -> None:
    data = (DATA / "portrait.heic").read_bytes()
    path = tmp_path / "photo.heic"
    path.write_bytes(data[: int(len(data) * kept)])

    with pytest.raises(MediaError, match=r"photo\.heic is damaged or cut short"):
        read_heif(path)


def test_other_files_are_no_heic() -> None:
    assert not is_heif(DATA / "portrait.jpg")
    assert not is_heif(DATA / "portrait.mp4")
