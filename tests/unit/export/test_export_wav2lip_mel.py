"""Wav2Lip's mel spectrum, cut into what each picture is drawn from."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")

from client.errors import InputError
from export.families.wav2lip_mel.build import build
from export.families.wav2lip_mel.spectrum import SpeechFeatures
from export.onnx_network import run_session, session
from export.precision import in_precision
from export.torch_network import run_torchscript
from tests.unit.export.golden_wenet import golden

SAMPLES = 24_123
LIMIT = 1e-5  # of numbers from -4 to 4


def sweep() -> NDArray[np.float32]:
    """A rising tone in noise, the recording of the published numbers."""
    time_s = np.arange(SAMPLES) / 16_000
    length_s = SAMPLES / 16_000
    tone = np.sin(2 * np.pi * (80 * time_s + (7600 - 80) * time_s**2 / (2 * length_s)))
    noise = np.random.default_rng(zlib.crc32(b"input:wave")).standard_normal(SAMPLES)
    return np.asarray(0.3 * tone + 0.02 * noise, np.float32)


def window() -> NDArray[np.float32]:
    """The recording at the beginning of a window, silence around it."""
    features = SpeechFeatures()
    samples = np.zeros((1, features.left + features.core + features.right), np.float32)
    samples[0, features.left : features.left + SAMPLES] = sweep()
    return samples


def columns_of(features: NDArray[Any]) -> NDArray[np.float32]:
    """[T, 1280] as [T, 80, 16]: bands, then columns."""
    return np.asarray(features.reshape(-1, 80, 16), np.float32)


def first_column(k: int) -> int:
    """Where the original begins for picture k of 25 per second."""
    return int(k * 80 / 25)


def test_features_are_the_columns_of_the_original() -> None:
    expected = golden("E_wav2lip/golden_wav2lip_mel.npz")["mel_reflect"]
    found = columns_of(build(None, {}).served.run({"speech": window()})["features"][0])
    # The outermost columns reach beyond the recording, which this original mirrors.
    for k in range(1, 32):
        start = first_column(k)
        assert np.abs(found[k] - expected[:, start : start + 16]).max() <= LIMIT, k


def test_a_recording_begins_in_silence_as_in_newer_originals() -> None:
    expected = golden("E_wav2lip/golden_wav2lip_mel.npz")["mel_constant_first4_last4"][:, :4]
    found = columns_of(build(None, {}).served.run({"speech": window()})["features"][0])
    assert np.abs(found[0, :, :4] - expected).max() <= LIMIT


def test_behind_the_end_of_a_recording_windows_run_into_silence() -> None:
    found = columns_of(build(None, {}).served.run({"speech": window()})["features"][0])
    last = 121  # columns of the recording; half a window later there is nothing left of it
    for k in range(100):
        quiet = found[k][:, max(0, last + 2 - first_column(k)) :]
        assert (quiet == -4).all(), k


@pytest.mark.parametrize("kind", ["onnx", "torchscript"])
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_written_spectrum_gives_the_same_numbers(kind: str, batch: int, tmp_path: Path) -> None:
    served: Any = build(None, {}).served
    speech = np.concatenate([window() * (1 + k) / batch for k in range(batch)])
    two, arrays = {"speech": np.repeat(window(), 2, 0)}, {"speech": speech}
    if kind == "onnx":
        served.write_onnx(tmp_path / "model.onnx", two)
        found = run_session(session(tmp_path / "model.onnx"), served.outputs, arrays)
    else:
        served.write_torchscript(tmp_path / "model.pt", two)
        found = run_torchscript(tmp_path / "model.pt", served.inputs, served.outputs, arrays)
    assert np.abs(found["features"] - served.run(arrays)["features"]).max() <= 2 * LIMIT


def test_float16_is_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="leave --precision out"):
        in_precision(build(None, {}), "fp16")


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
