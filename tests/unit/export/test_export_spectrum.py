"""Spectra in a graph: the numbers of librosa, with operators that every server has."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from export.spectrum import MelSpectrum, Padding, ShortTimeSpectrum, mel_filters
from tests.unit.export.golden_wenet import golden

SAMPLES = 24_123
RATE_HZ = 16_000


def sweep() -> NDArray[np.float32]:
    """The waveform of the golden numbers: a tone that rises to 7.6 kHz, in noise."""
    time_s, duration_s = np.arange(SAMPLES) / RATE_HZ, SAMPLES / RATE_HZ
    tone = np.sin(2 * np.pi * (80 * time_s + (7600 - 80) * time_s**2 / (2 * duration_s)))
    noise = np.random.default_rng(zlib.crc32(b"input:wave")).standard_normal(SAMPLES)
    return np.asarray(0.3 * tone + 0.02 * noise, np.float32)


def heygem_bands() -> NDArray[np.float32]:
    return mel_filters(sample_rate_hz=RATE_HZ, n_fft=1024, bands=80, low_hz=0, high_hz=8000)


def heygem_mel(speech: NDArray[np.float32], padding: Padding) -> NDArray[np.float32]:
    spectrum = ShortTimeSpectrum(n_fft=1024, hop=160, window=800, padding=padding, preemphasis=0.97)
    mel = MelSpectrum(spectrum, heygem_bands())(torch.from_numpy(speech)[None])
    return np.asarray((10 * torch.log10(mel + 1e-5) - 20)[0].T)


def wav2lip_mel(speech: NDArray[np.float32], padding: Padding) -> NDArray[np.float32]:
    filters = mel_filters(sample_rate_hz=RATE_HZ, n_fft=800, bands=80, low_hz=55, high_hz=7600)
    spectrum = ShortTimeSpectrum(
        n_fft=800, hop=200, window=800, power=1, padding=padding, preemphasis=0.97
    )
    mel = MelSpectrum(spectrum, filters)(torch.from_numpy(speech)[None])
    decibels = 20 * torch.log10(mel.clamp(min=1e-5)) - 20
    return np.asarray((8 * (decibels + 100) / 100 - 4).clamp(-4, 4)[0])


def naive(speech: NDArray[np.float32], n_fft: int, hop: int, window: int) -> NDArray[np.float64]:
    """Power spectra by numpy in float64, frame by frame, zeros around the samples."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    around = (n_fft - window) // 2
    padded = np.pad(speech.astype(np.float64), n_fft // 2)
    frames = [
        np.abs(np.fft.rfft(np.pad(hann, around) * padded[start : start + n_fft])) ** 2
        for start in range(0, len(speech) + 1, hop)
    ]
    return np.stack(frames, axis=1)


@pytest.mark.parametrize(("n_fft", "hop", "window"), [(1024, 160, 800), (512, 128, 512)])
def test_the_power_spectrum_is_that_of_the_fourier_transform(
    n_fft: int, hop: int, window: int
) -> None:
    speech = sweep()[:4000]
    spectrum = ShortTimeSpectrum(n_fft=n_fft, hop=hop, window=window, padding="zero")
    found = spectrum(torch.from_numpy(speech)[None])[0].numpy()
    expected = naive(speech, n_fft, hop, window)
    assert found.shape == (n_fft // 2 + 1, len(speech) // hop + 1)
    assert np.abs(found - expected).max() < 1e-5 * expected.max()


def test_the_magnitude_is_the_root_of_the_power() -> None:
    speech = torch.from_numpy(sweep()[:4000])[None]
    power = ShortTimeSpectrum(n_fft=512, hop=128, window=512)(speech)
    magnitude = ShortTimeSpectrum(n_fft=512, hop=128, window=512, power=1)(speech)
    assert torch.allclose(magnitude**2, power, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("preemphasis", [0.0, 0.97])
def test_without_padding_frames_are_those_inside_of_the_samples(preemphasis: float) -> None:
    speech = torch.from_numpy(sweep())[None]
    inside = ShortTimeSpectrum(
        n_fft=1024, hop=160, window=800, padding="none", preemphasis=preemphasis
    )
    padded = ShortTimeSpectrum(
        n_fft=1024, hop=160, window=800, padding="zero", preemphasis=preemphasis
    )
    skipped = 480 - inside.first_centre  # then frames are centred at 480, 640, …
    found, expected = inside(speech[:, skipped:]), padded(speech)[:, :, 3:]
    expected = expected[:, :, : found.shape[2]]
    assert found.shape[2] == (SAMPLES - skipped - 800 - bool(preemphasis)) // 160 + 1
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.max())


def test_mel_filters_are_triangles_of_area_one_from_edge_to_edge() -> None:
    filters = mel_filters(sample_rate_hz=16_000, n_fft=16_384, bands=40, low_hz=100, high_hz=4000)
    hertz_per_bin = 16_000 / 16_384
    assert np.allclose(filters.sum(axis=1) * hertz_per_bin, 1, atol=1e-3)
    touched = np.flatnonzero(filters.any(axis=0)) * hertz_per_bin
    assert touched[0] == pytest.approx(100, abs=2)
    assert touched[-1] == pytest.approx(4000, abs=2)


def test_mel_is_linear_below_one_kilohertz_and_logarithmic_above() -> None:
    filters = mel_filters(sample_rate_hz=16_000, n_fft=16_384, bands=80, low_hz=0, high_hz=8000)
    peaks_hz = filters.argmax(axis=1) * 16_000 / 16_384
    low, high = peaks_hz[peaks_hz < 950], peaks_hz[peaks_hz > 1100]
    assert np.diff(low) == pytest.approx(np.diff(low).mean(), abs=1.5)
    assert high[1:] / high[:-1] == pytest.approx((high[1:] / high[:-1]).mean(), abs=3e-3)


def test_filters_are_those_that_librosa_stores() -> None:
    sums = golden("B_heygem_mel/golden_mel.npz")["mel_filter_row_sums"]
    assert np.abs(heygem_bands().sum(axis=1) - sums).max() < 1e-7


def test_heygems_mel_is_that_of_librosa_within_a_thousandth_of_a_decibel() -> None:
    reference = golden("B_heygem_mel/golden_mel.npz")
    silent_edges = np.pad(sweep(), 6400)
    assert np.abs(heygem_mel(silent_edges, "zero") - reference["mel_padded"]).max() < 1e-3
    found = heygem_mel(sweep(), "reflect")
    assert np.abs(found - reference["mel_raw_reflect"]).max() < 1e-3


def test_both_paddings_are_those_of_librosa() -> None:
    heygem = golden("B_heygem_mel/golden_mel.npz")["mel_raw_constant_head4_tail4"]
    wav2lip = golden("E_wav2lip/golden_wav2lip_mel.npz")
    found = heygem_mel(sweep(), "zero")
    assert np.abs(np.concatenate([found[:4], found[-4:]]) - heygem).max() < 1e-3
    bands = wav2lip_mel(sweep(), "zero")
    ends = np.concatenate([bands[:, :4], bands[:, -4:]], axis=1)
    assert np.abs(ends - wav2lip["mel_constant_first4_last4"]).max() < 1e-4


def test_wav2lips_mel_is_that_of_librosa() -> None:
    expected = golden("E_wav2lip/golden_wav2lip_mel.npz")["mel_reflect"]
    assert np.abs(wav2lip_mel(sweep(), "reflect") - expected).max() < 1e-4


@pytest.mark.parametrize("padding", ["none", "zero", "reflect"])
def test_a_graph_has_plain_operators_and_the_same_numbers(padding: Padding, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    spectrum = ShortTimeSpectrum(n_fft=1024, hop=160, window=800, padding=padding, preemphasis=0.97)
    module, path = MelSpectrum(spectrum, heygem_bands()), tmp_path / "mel.onnx"
    speech = torch.from_numpy(np.stack([sweep()[:8000], sweep()[8000:16_000]]))
    torch.onnx.export(
        module,
        (speech,),
        path,
        input_names=["speech"],
        dynamic_axes={"speech": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    operators = {node.op_type for node in onnx.load(path).graph.node}
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, {"speech": speech[:1].numpy()})[0]
    expected = module(speech[:1]).numpy()
    assert not operators & {"STFT", "DFT"}
    assert np.abs(found - expected).max() < 1e-5 * expected.max()
