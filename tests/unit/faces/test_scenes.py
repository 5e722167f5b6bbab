"""Cuts are found; flashes, pans, dissolves and people in motion are none."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.scenes import Changes, scene_starts

Picture = NDArray[np.uint8]


def room(seed: int) -> NDArray[np.float32]:
    """A picture [48,96,3] with large shapes, wide enough to pan over."""
    coarse = np.random.default_rng(seed).uniform(20, 230, (6, 12, 3))
    return np.kron(coarse, np.ones((8, 8, 1))).astype(np.float32)


def still(seed: int, frames: int, light: float = 1.0) -> list[Picture]:
    rng = np.random.default_rng(seed)
    picture = room(seed)[:, :48] * light
    noisy = (picture + rng.normal(0, 2, picture.shape) for _ in range(frames))
    return [np.clip(frame, 0, 255).astype(np.uint8) for frame in noisy]


def starts(pictures: Iterable[Picture]) -> list[int]:
    changes = Changes()
    return scene_starts(np.stack([changes.add(picture) for picture in pictures]))


def test_a_clip_without_a_cut_is_one_scene() -> None:
    assert starts(still(1, 40)) == [0]


def test_a_single_frame_is_a_scene() -> None:
    assert starts(still(1, 1)) == [0]


def test_cuts_are_found_where_they_are() -> None:
    assert starts(still(1, 20) + still(2, 30) + still(3, 25)) == [0, 20, 50]


def test_a_cut_near_either_end_is_found() -> None:
    assert starts(still(1, 3) + still(2, 30) + still(3, 2)) == [0, 3, 33]


def test_a_flash_is_no_cut() -> None:
    for length in (1, 2):
        white = [np.full((48, 48, 3), 255, np.uint8)] * length
        assert starts(still(1, 20) + white + still(1, 20)) == [0]


def test_a_cut_in_a_flash_is_found_once() -> None:
    white = [np.full((48, 48, 3), 255, np.uint8)] * 2
    found = starts(still(1, 20) + white + still(2, 20))
    assert len(found) == 2
    assert 20 <= found[1] <= 22


def test_a_fast_pan_is_no_cut() -> None:
    wide = room(4)
    pan = [wide[:, 2 * x : 2 * x + 48].astype(np.uint8) for x in range(24)]
    assert starts(pan[:1] * 15 + pan + pan[-1:] * 15) == [0]


def test_a_dissolve_is_no_cut() -> None:
    before, after = room(1)[:, :48], room(2)[:, :48]
    shares = np.linspace(0, 1, 12)
    mixed = [(before * (1 - s) + after * s).astype(np.uint8) for s in shares]
    assert starts(still(1, 20) + mixed + still(2, 20)) == [0]


def test_a_fade_to_black_ends_a_scene_where_the_picture_comes_back() -> None:
    room_before, room_after = room(1)[:, :48], room(2)[:, :48]
    down = [(room_before * share).astype(np.uint8) for share in np.linspace(1, 0, 8)]
    up = [(room_after * share).astype(np.uint8) for share in np.linspace(0, 1, 8)]
    assert starts(still(1, 20) + down + down[-1:] * 5 + up + still(2, 20)) == [0, 34]


def test_a_fade_that_never_gets_black_is_no_cut() -> None:
    shares = [*np.linspace(1, 0.3, 8), *np.linspace(0.3, 1, 8)]
    faded = [(room(1)[:, :48] * share).astype(np.uint8) for share in shares]
    assert starts(still(1, 20) + faded + still(1, 20)) == [0]


def test_a_light_that_is_switched_slightly_is_no_cut() -> None:
    assert starts(still(1, 20) + still(1, 20, light=0.95)) == [0]


def test_doubled_frames_hide_no_cut() -> None:
    pictures = still(1, 15) + still(2, 15)
    assert starts([p for picture in pictures for p in (picture, picture)]) == [0, 30]
