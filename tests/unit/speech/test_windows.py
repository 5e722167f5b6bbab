"""Speech windows cover a recording without gap; features are read at a frame's own moment."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.speech.windows import feature_window, speech_windows

LEFT, CORE, RIGHT = 30, 100, 20


class Track:
    """Features in memory."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        self._features = features

    def __len__(self) -> int:
        return len(self._features)

    def take(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._features[indices]


def windows_of(samples: np.ndarray, block: int) -> list[np.ndarray]:
    blocks = [samples[i : i + block] for i in range(0, len(samples), block)]
    return list(speech_windows(blocks, left_context=LEFT, core=CORE, right_context=RIGHT))


@pytest.mark.parametrize("count", [1, 99, 100, 101, 120, 121, 1000])
@pytest.mark.parametrize("block", [1, 7, 100, 5000])
def test_cores_joined_are_the_recording(count: int, block: int) -> None:
    samples = np.arange(1, count + 1, dtype=np.float32)

    windows = windows_of(samples, block)

    cores = np.concatenate([w[LEFT : LEFT + CORE] for w in windows])
    assert all(len(w) == LEFT + CORE + RIGHT for w in windows)
    assert len(windows) == -(-count // CORE)
    np.testing.assert_array_equal(cores[:count], samples)
    assert not cores[count:].any()


def test_context_is_the_neighbouring_sound_and_silence_outside_the_recording() -> None:
    windows = windows_of(np.arange(1, 251, dtype=np.float32), 64)

    assert not windows[0][:LEFT].any()
    np.testing.assert_array_equal(windows[0][LEFT + CORE :], np.arange(101, 121))
    np.testing.assert_array_equal(windows[1][:LEFT], np.arange(71, 101))


def test_an_empty_recording_has_no_window() -> None:
    assert windows_of(np.zeros(0, np.float32), 10) == []


def test_the_middle_column_is_the_feature_of_the_frames_own_moment() -> None:
    features = np.arange(50, dtype=np.float32)[:, None].repeat(3, 1)

    window = feature_window(Track(features), Fraction(41, 50), 5)  # centre of feature 20

    assert window.shape == (3, 5)
    np.testing.assert_allclose(window[0], [18, 19, 20, 21, 22])


def test_moments_between_features_are_interpolated() -> None:
    features = np.arange(50, dtype=np.float32)[:, None]

    window = feature_window(Track(features), Fraction(1001, 30000) * 10, 1)

    assert window[0, 0] == pytest.approx(float(Fraction(1001, 30000) * 10 * 25) - 0.5)


def test_beyond_both_ends_the_outermost_feature_stays() -> None:
    features = np.array([[1.0], [2.0]], np.float32)

    assert feature_window(Track(features), Fraction(1, 50), 5)[0].tolist() == [1, 1, 1, 2, 2]
    assert feature_window(Track(features), Fraction(10), 3)[0].tolist() == [2, 2, 2]
