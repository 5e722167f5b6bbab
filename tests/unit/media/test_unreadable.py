"""Picture formats that cannot be decoded are named, with what to do instead."""

from pathlib import Path

import numpy as np
import pytest

from client.errors import InputError, MediaError
from orchestrator.media.info import probe_video
from orchestrator.media.unreadable import refuse_unreadable_picture
from tests.unit.media.making import Clip, make_picture, make_video

HEADS = {
    "a JPEG XL picture": b"\0\0\0\x0cJXL \r\n\x87\n",
    "an animated WebP": b"RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0",
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_picture_that_cannot_be_decoded_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(HEADS[kind] + bytes(100))
    with pytest.raises(MediaError, match=rf"photo\.jpg is {kind}, which cannot be read: save it"):
        probe_video(path)


def test_a_file_that_ends_within_its_head_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.webp"
    path.write_bytes(HEADS["an animated WebP"][:20])
    refuse_unreadable_picture(path)


def test_a_missing_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be found"):
        refuse_unreadable_picture(tmp_path / "none.webp")


def test_ordinary_clips_and_pictures_pass(tmp_path: Path) -> None:
    refuse_unreadable_picture(make_video(tmp_path / "clip.mp4", Clip(count=2)))
    grey = np.full((48, 64, 4), 128, np.uint8)
    refuse_unreadable_picture(make_picture(tmp_path / "p.webp", grey, "libwebp", "bgra"))
