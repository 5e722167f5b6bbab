from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.smooth import bridged, smoothed_run
from tests.unit.faces.scenes import face_mesh

RATE = Fraction(25)


def track(frames: int) -> NDArray[np.float32]:
    return np.repeat(face_mesh(width=200)[None], frames, axis=0)


def jittered(meshes: NDArray[np.float32]) -> NDArray[np.float32]:
    noise = np.random.default_rng(0).normal(0, 0.3, meshes.shape)
    return np.asarray(meshes + noise, np.float32)


def smoothed(
    meshes: NDArray[np.float32], rate: Fraction = RATE, seen: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    frames = np.arange(len(meshes)) if seen is None else seen
    (run,) = bridged(frames, rate)
    blocks = smoothed_run(frames, lambda places: meshes[frames[places]], run, rate)
    return np.concatenate(list(blocks))


def test_jitter_of_a_still_face_shrinks_to_less_than_half() -> None:
    still = track(60)
    noisy = jittered(still)
    assert np.std(smoothed(noisy)[8:-8] - still[8:-8]) < 0.5 * np.std(noisy - still)


@pytest.mark.parametrize("rate", [15, 25, 60, 120])
def test_a_face_is_as_steady_at_any_rate_or_steadier(rate: int) -> None:
    still = track(200)
    noisy = jittered(still)
    rest = np.std(smoothed(noisy, Fraction(rate))[40:-40] - still[40:-40])
    assert rest < 0.8 * np.std(noisy - still) * np.sqrt(15 / rate)


def test_a_face_in_even_motion_does_not_lag() -> None:
    moving = track(40)
    moving += np.arange(40, dtype=np.float32)[:, None, None] * (6, 2)
    np.testing.assert_allclose(smoothed(moving), moving, atol=1e-3)


def test_a_quick_mouth_keeps_its_depth() -> None:
    speaking = track(40)
    speaking[20, 14] += (0, 20)  # a lip that is down in one frame alone
    steady = smoothed(speaking)
    np.testing.assert_allclose(steady[20, 14], speaking[20, 14], atol=0.1)
    np.testing.assert_allclose(steady[19, 14], speaking[19, 14], atol=0.1)


def test_a_jump_is_not_smeared() -> None:
    jumping = track(40)
    jumping[20:] += 80
    np.testing.assert_allclose(smoothed(jumping), jumping, atol=1e-3)


def test_frames_that_were_missed_lie_on_the_line_between_their_neighbours() -> None:
    moving = track(40)
    moving += np.arange(40, dtype=np.float32)[:, None, None] * (6, 2)
    gaps = moving.copy()
    gaps[20:24] = 1e4
    seen = np.array([*range(20), *range(24, 40)])
    np.testing.assert_allclose(smoothed(gaps, seen=seen), moving, atol=1e-2)


def test_a_long_track_is_smoothed_alike_throughout() -> None:
    period = jittered(track(40))
    steady = smoothed(np.tile(period, (15, 1, 1)))
    for start in range(40, 560, 40):
        np.testing.assert_allclose(steady[start : start + 40], steady[40:80], atol=1e-4)


def test_a_face_that_is_missed_for_a_moment_is_one_run() -> None:
    seen = np.array([3, 4, 5, 11, 12])  # five frames of 40 ms are missing
    assert bridged(seen, Fraction(25)) == [(3, 13)]


def test_a_face_that_is_gone_for_longer_starts_another_run() -> None:
    seen = np.array([3, 4, 5, 12, 13, 30])
    assert bridged(seen, Fraction(25)) == [(3, 6), (12, 14), (30, 31)]
    assert bridged(seen, Fraction(50)) == [(3, 14), (30, 31)]
