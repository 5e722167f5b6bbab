import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.smooth import fade, runs, smooth_track
from tests.unit.faces.scenes import face_mesh


def track(frames: int) -> NDArray[np.float32]:
    return np.repeat(face_mesh(width=200)[None], frames, axis=0)


def jittered(meshes: NDArray[np.float32]) -> NDArray[np.float32]:
    noise = np.random.default_rng(0).normal(0, 0.3, meshes.shape)
    return np.asarray(meshes + noise, np.float32)


def everywhere(meshes: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.ones(len(meshes), np.bool_)


def test_jitter_of_a_still_face_shrinks_to_less_than_half() -> None:
    still = track(60)
    noisy = jittered(still)
    smoothed = smooth_track(noisy, everywhere(noisy))
    assert np.std(smoothed[8:-8] - still[8:-8]) < 0.5 * np.std(noisy - still)


def test_a_face_in_even_motion_does_not_lag() -> None:
    moving = track(40)
    moving += np.arange(40, dtype=np.float32)[:, None, None] * (6, 2)
    np.testing.assert_allclose(smooth_track(moving, everywhere(moving)), moving, atol=1e-3)


def test_a_quick_mouth_keeps_its_depth() -> None:
    speaking = track(40)
    speaking[20, 14] += (0, 20)  # a lip that is down in one frame alone
    smoothed = smooth_track(speaking, everywhere(speaking))
    np.testing.assert_allclose(smoothed[20, 14], speaking[20, 14], atol=0.1)
    np.testing.assert_allclose(smoothed[19, 14], speaking[19, 14], atol=0.1)


def test_a_cut_is_not_smeared() -> None:
    cut = track(40)
    cut[20:] += 80
    np.testing.assert_allclose(smooth_track(cut, everywhere(cut)), cut, atol=1e-3)


def test_frames_without_a_face_stay_and_influence_nothing() -> None:
    noisy = jittered(track(50))
    valid = everywhere(noisy)
    valid[20:25] = False
    garbage = noisy.copy()
    garbage[20:25] = 1e4
    smoothed = smooth_track(garbage, valid)
    assert np.array_equal(smoothed[20:25], garbage[20:25])
    assert np.array_equal(smoothed[valid], smooth_track(noisy, valid)[valid])


def test_a_long_track_is_smoothed_alike_throughout() -> None:
    period = jittered(track(40))
    long = np.tile(period, (15, 1, 1))
    smoothed = smooth_track(long, everywhere(long))
    for start in range(40, 560, 40):
        np.testing.assert_allclose(smoothed[start : start + 40], smoothed[40:80], atol=1e-4)


def test_runs_of_valid_frames_are_found() -> None:
    valid = np.array([1, 1, 0, 0, 1, 0, 1, 1, 1], np.bool_)
    assert runs(valid) == [(0, 2), (4, 5), (6, 9)]
    assert runs(np.zeros(3, np.bool_)) == []


def test_a_face_that_is_always_there_never_fades() -> None:
    assert fade(np.ones(12, np.bool_)).tolist() == [1] * 12


def test_a_face_fades_in_and_out_where_it_comes_and_goes() -> None:
    valid = np.zeros(30, np.bool_)
    valid[5:25] = True
    weights = fade(valid, ramp_frames=4)
    np.testing.assert_allclose(weights[5:10], [0.2, 0.4, 0.6, 0.8, 1.0], atol=1e-6)
    assert np.array_equal(weights, weights[::-1])
    assert not weights[~valid].any()


def test_a_clip_starts_and_ends_without_fading() -> None:
    valid = np.ones(30, np.bool_)
    valid[10:20] = False
    weights = fade(valid)
    assert weights[0] == weights[29] == 1
    assert 0 < weights[9] == weights[20] < 0.25


def test_a_short_appearance_never_shows_fully() -> None:
    valid = np.zeros(20, np.bool_)
    valid[8:11] = True
    assert 0 < fade(valid).max() < 0.5
