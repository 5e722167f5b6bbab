"""The judge of pictures reacts to what it is there to see."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.quality import mouth, pictures, table
from benchmarks.quality.details import enlarged, own_features, placed
from benchmarks.quality.measure import SOURCE, Figures
from benchmarks.quality.mouth import CLASSES, MouthScores
from benchmarks.sync.opening import Curve
from benchmarks.sync.phonemes import Phoneme, expected_opening

RATE = 25.0
SOUNDS = [
    Phoneme(name, start / 10, (start + 2) / 10)
    for start, name in enumerate(["sil", "M", "a", "PB", "E", "i", "M", "O", "sil"] * 4)
    if not start % 2
]
EVERYWHERE = (slice(None), slice(None))


@pytest.fixture
def luma() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)


def spoken(delay_s: float = 0.0) -> Curve:
    """A mouth that does what the sounds ask for."""
    times_s = np.arange(0.02, SOUNDS[-1].end_s, 1 / RATE)
    return Curve(times_s, 0.05 + 0.2 * expected_opening(SOUNDS, times_s - delay_s))


def test_a_mouth_that_follows_the_sounds_keeps_every_aim() -> None:
    scores = mouth.score(spoken(), SOUNDS, RATE)
    assert scores.shut == 1
    assert scores.ordered
    assert abs(scores.offset_frames) < 0.5
    assert scores.correlation > 0.99


def test_a_late_mouth_has_an_offset() -> None:
    assert mouth.score(spoken(0.08), SOUNDS, RATE).offset_frames == pytest.approx(2, abs=0.3)


def test_a_mouth_that_never_shuts_misses_its_closures() -> None:
    curve = spoken()
    lazy = Curve(curve.times_s, np.where(curve.times_s > 0.4, np.maximum(curve.values, 0.12), 0.05))
    scores = mouth.score(lazy, SOUNDS, RATE)
    assert scores.shut < 0.3


def test_a_mouth_that_opens_in_silence_has_a_rest_error() -> None:
    curve = spoken()
    restless = curve.values.copy()
    for sound in SOUNDS:
        if sound.name == "sil":
            inside = (curve.times_s >= sound.start_s) & (curve.times_s <= sound.end_s)
            restless[inside] = 0.15
    calm, moved = (
        mouth.score(c, SOUNDS, RATE).rest_error for c in (curve, Curve(curve.times_s, restless))
    )
    assert calm < 0.1 < moved


def test_vowels_in_the_wrong_order_are_told() -> None:
    curve = spoken()
    assert not mouth.score(Curve(curve.times_s, -curve.values), SOUNDS, RATE).ordered


def test_what_an_encoder_heard_becomes_sounds_with_times() -> None:
    features = np.zeros((5, 64), np.float32)
    for row, name in enumerate(["sil", "a", "a", "M", "sil"]):
        features[row, CLASSES.index(name)] = 1
    sounds = mouth.sounds_of(features)
    assert [sound.name for sound in sounds] == ["sil", "a", "M", "sil"]
    assert (sounds[1].start_s, sounds[1].end_s) == pytest.approx((0.04, 0.12))


def test_a_blur_lowers_sharpness(luma: NDArray[np.uint8]) -> None:
    soft = np.asarray(cv2.GaussianBlur(luma, (5, 5), 1), np.uint8)
    assert pictures.sharpness(soft, EVERYWHERE) < 0.3 * pictures.sharpness(luma, EVERYWHERE)


def test_an_edge_where_the_paint_ends_raises_the_seam() -> None:
    source = np.random.default_rng(0).integers(100, 110, (64, 64), np.uint8)
    painted = np.zeros((64, 64), np.uint8)
    painted[:, 30:] = 255
    painted[:, 29:31] = 128
    lighter = source.copy()
    lighter[:, 30:] += 60
    assert pictures.seam(source, source, painted) == pytest.approx(1)
    assert pictures.seam(source, lighter, painted) > 2


def test_a_sample_that_changes_outside_the_paint_is_counted(luma: NDArray[np.uint8]) -> None:
    chroma = luma[::2, ::2].copy()
    painted = np.zeros((64, 64), np.uint8)
    painted[20:40, 20:40] = 255
    source, changed = (luma, chroma, chroma), luma.copy()
    changed[30, 30] ^= 255
    assert pictures.stray(source, (changed, chroma, chroma), painted, 2) == 0
    changed[5, 5] ^= 255
    assert pictures.stray(source, (changed, chroma, chroma), painted, 2) == 1
    other = chroma.copy()
    other[0, 0] ^= 255
    assert pictures.stray(source, (luma, other, chroma), painted, 2) == 1


def test_flicker_trembles_and_steady_motion_does_not() -> None:
    everywhere = np.ones((4, 4), np.bool_)
    steady, flicker = pictures.Trembling(), pictures.Trembling()
    for frame in range(6):
        steady.add(np.full((4, 4), 3.0 * frame, np.float32), everywhere)
        flicker.add(np.full((4, 4), 3.0 * (frame % 2), np.float32), everywhere)
    assert steady.mean == 0
    assert flicker.mean == pytest.approx(6)


def test_equal_pictures_are_wholly_similar(luma: NDArray[np.uint8]) -> None:
    noisy = (luma // 2 + 50).astype(np.uint8)
    assert pictures.similarity(luma, luma, EVERYWHERE) == pytest.approx(1)
    assert pictures.similarity(luma, noisy, EVERYWHERE) < 0.9
    assert pictures.signal_to_noise_db(luma, luma, EVERYWHERE) == pytest.approx(100)
    assert pictures.signal_to_noise_db(luma, noisy, EVERYWHERE) < 30


def test_an_enlarged_picture_keeps_its_places_and_gets_grain() -> None:
    plane = np.full((40, 60), 128, np.uint8)
    chroma = np.full((20, 30), 128, np.uint8)
    y, u, _ = enlarged((plane, chroma, chroma), 2.0)
    assert (y.shape, u.shape) == ((80, 120), (40, 60))
    assert y.std() > 2
    affine = placed(np.array([[10.0, 0, 5], [0, 10, 5]]), 2.0)
    assert affine.tolist() == [[20, 0, 10.5], [0, 20, 10.5]]


def test_a_clip_drives_itself_as_far_as_its_mouth_is_open() -> None:
    mesh = np.zeros((468, 2))
    mesh[[33, 133]], mesh[[362, 263]] = (30, 30), (70, 30)
    mesh[2], mesh[78], mesh[308] = (50, 60), (35, 75), (65, 75)
    mesh[13], mesh[14] = (50, 75), (50, 75)
    shut = own_features(mesh)
    mesh[14] = (50, 81)
    opened = own_features(mesh)
    assert shut[0, 30].max() == 0
    assert opened[0, 30, 8] == pytest.approx(6 / 30 / 0.45, rel=0.01)


def test_aims_that_are_missed_are_told_with_how_often() -> None:
    scores = MouthScores(9, 1.0, (0.2, 0.15, 0.1, 0.03), True, 0.2, 0.9, 0.04)
    good = Figures(scores, 0.9, 1.0, 1.0, 0, 0.01)
    soft = replace(good, sharpness=0.5)
    told = table.of_aims({"one": {SOURCE: good, "version 2": good}, "two": {"version 2": soft}})
    assert "sharpness, 0.85 at least         median   0.70   missed by 1 of 2 pairs" in told
    assert "seam, 1.1 at most                median   1.00   kept of 2 pairs" in told
    assert "yes" in table.of_pair("one", {"version 2": good}, known=True)
