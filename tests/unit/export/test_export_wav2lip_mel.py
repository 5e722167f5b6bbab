"""Wav2Lip's mel spectrum, cut into what each picture is drawn from."""

import zlib

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")

from client.errors import InputError
from export.families.wav2lip_mel.build import build
from export.families.wav2lip_mel.spectrum import SpeechFeatures
from tests.unit.export.golden_wenet import golden

SAMPLES = 24_123
COLUMNS = 121


def sweep() -> NDArray[np.float32]:
    """A rising tone in noise, the recording of the published numbers."""
    time_s = np.arange(SAMPLES) / 16_000
    length_s = SAMPLES / 16_000
    tone = np.sin(2 * np.pi * (80 * time_s + (7600 - 80) * time_s**2 / (2 * length_s)))
    noise = np.random.default_rng(zlib.crc32(b"input:wave")).standard_normal(SAMPLES)
    return np.asarray(0.3 * tone + 0.02 * noise, np.float32)


def test_features_are_the_columns_of_the_original() -> None:
    expected = golden("E_wav2lip/golden_wav2lip_mel.npz")["mel_reflect"]
    features = SpeechFeatures()
    length = features.left + features.core + features.right
    window = np.zeros((1, length), np.float32)
    window[0, features.left : features.left + SAMPLES] = sweep()
    found = features(torch.from_numpy(window))[0].reshape(-1, 80, 16).numpy()
    # The outermost columns reach beyond the recording, which the original mirrors.
    for k in range(1, 32):
        start = int(80 * k / 25)
        assert np.abs(found[k] - expected[:, start : start + 16]).max() < 1e-3, k


def test_windows_follow_each_other_without_a_step() -> None:
    built = build(None, {})
    window = built.window
    assert window is not None
    left, core, right = (window[key] for key in ("left_context", "core", "right_context"))
    samples = np.random.default_rng(0).normal(0, 0.1, left + 2 * core + right).astype(np.float32)
    first = built.served.run({"speech": samples[None, : left + core + right]})["features"][0]
    second = built.served.run({"speech": samples[None, core:]})["features"][0]
    assert first.shape == second.shape == (100, 1280)
    # Two seconds later the pattern of columns is the same.
    middle = samples[None, core // 2 : core // 2 + left + core + right]
    later = built.served.run({"speech": middle})["features"][0]
    assert later[50:] == pytest.approx(second[:50], abs=1e-5)
    assert later[:50] == pytest.approx(first[50:], abs=1e-5)


def test_silence_is_the_least_value() -> None:
    features = SpeechFeatures()
    length = features.left + features.core + features.right
    assert torch.all(features(torch.zeros(1, length)) == -4)


def test_there_is_nothing_to_configure() -> None:
    with pytest.raises(InputError, match="leave --config out"):
        build(None, {"hop": 100})
