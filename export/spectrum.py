"""Short-time spectra and mel filters that run inside a graph, of convolutions and products only.

Pre-emphasis, window and discrete Fourier transform are linear, so together they are one matrix, and
a short-time spectrum is a convolution of the samples with its rows: ONNX needs no STFT operator.
Matrices are made in float64 and rounded once. The numbers are those of librosa 0.8 to 0.11:
`librosa.stft(center=True)` and `librosa.filters.mel`. Source of the mel scale: M. Slaney, "Auditory
Toolbox", Interval Research technical report 1998-010.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Padding = Literal["none", "zero", "reflect"]

_LINEAR_HZ_PER_MEL = 200 / 3
_LINEAR_END_HZ = 1000.0
_LINEAR_END_MEL = _LINEAR_END_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27  # per mel above 1 kHz


class ShortTimeSpectrum(nn.Module):
    """Power or magnitude spectra of overlapping frames, with a periodic Hann window.

    With padding, frame t is centred at sample t * hop. Without, it is centred at sample
    `first_centre` + t * hop, and only frames that lie inside the samples are there.

    Attributes:
        first_centre: Sample at the centre of the first frame; 0 with padding.
    """

    analysis: Tensor

    def __init__(
        self,
        *,
        n_fft: int,
        hop: int,
        window: int,
        power: Literal[1, 2] = 2,
        padding: Padding = "reflect",
        preemphasis: float = 0.0,
    ) -> None:
        """Makes the matrix.

        Args:
            n_fft: Samples of the transform; the window is centred in them, with zeros around.
            hop: Samples between frames.
            window: Samples of the window, even; at most `n_fft`.
            power: 2 for |X|², 1 for |X|.
            padding: What lies beyond the samples: "zero", "reflect" (mirrored, the outermost
                sample once), or "none".
            preemphasis: Share of the sample before that is subtracted from each sample; the first
                sample has none before it.
        """
        super().__init__()
        self.hop, self.power, self.padding = hop, power, padding
        self.bins = n_fft // 2 + 1
        self.preemphasis, self.margin = preemphasis, window // 2
        # Inside a graph without padding, the sample before a frame is part of the frame's matrix.
        self.is_folded = padding == "none" and preemphasis != 0
        self.first_centre = self.margin + int(self.is_folded) if padding == "none" else 0
        matrix = dft_matrix(window, n_fft)
        if self.is_folded:
            matrix = _emphasised(matrix, preemphasis)
        analysis = torch.from_numpy(matrix.astype(np.float32)).unsqueeze(1)
        self.register_buffer("analysis", analysis, persistent=False)

    def forward(self, speech: Tensor) -> Tensor:
        """Computes spectra.

        Args:
            speech: Samples [B, n], float32.

        Returns:
            [B, n_fft // 2 + 1, T] float32, with T = n // hop + 1 with padding, else
            (n - window - 1) // hop + 1 with pre-emphasis and (n - window) // hop + 1 without.
        """
        samples = speech if self.is_folded else preemphasised(speech, self.preemphasis)
        padded = self._padded(samples.unsqueeze(1))
        spectrum = nn.functional.conv1d(padded, self.analysis, stride=self.hop)
        real, imaginary = spectrum[:, : self.bins], spectrum[:, self.bins :]
        power = real * real + imaginary * imaginary
        return power if self.power == 2 else power.sqrt()

    def _padded(self, samples: Tensor) -> Tensor:
        if self.padding == "none":
            return samples
        mode = "reflect" if self.padding == "reflect" else "constant"
        return nn.functional.pad(samples, (self.margin, self.margin), mode=mode)


class MelSpectrum(nn.Module):
    """Samples to mel bands: a `ShortTimeSpectrum` and the product with mel filters."""

    filters: Tensor

    def __init__(self, spectrum: ShortTimeSpectrum, filters: NDArray[np.float32]) -> None:
        """Joins them; `filters` is [bands, n_fft // 2 + 1], as `mel_filters` makes it."""
        super().__init__()
        self.spectrum = spectrum
        self.register_buffer("filters", torch.from_numpy(filters), persistent=False)

    def forward(self, speech: Tensor) -> Tensor:
        """Computes bands [B, bands, T] of samples [B, n], both float32, neither log nor scaled."""
        bands: Tensor = self.filters @ self.spectrum(speech)
        return bands


def preemphasised(samples: Tensor, share: float) -> Tensor:
    """Returns samples [B, n], each less `share` of the one before it; the first as it is."""
    if not share:
        return samples
    return torch.cat([samples[:, :1], samples[:, 1:] - share * samples[:, :-1]], dim=1)


def dft_matrix(window: int, n_fft: int) -> NDArray[np.float64]:
    """Makes the matrix from the samples under a periodic Hann window to their spectrum.

    Returns:
        [2 * (n_fft // 2 + 1), window]: real parts of all frequencies, then imaginary parts. The
        phase is that of the window's first sample, which power and magnitude do not have.
    """
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    spectrum = np.fft.rfft(np.diag(hann), n=n_fft, axis=0)
    return np.concatenate([spectrum.real, spectrum.imag])


def _emphasised(matrix: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """A matrix that also takes the sample before a frame, and subtracts `share` of neighbours."""
    wider = np.pad(matrix, ((0, 0), (1, 0)))
    wider[:, :-1] -= share * matrix
    return wider


def mel_filters(
    *, sample_rate_hz: int, n_fft: int, bands: int, low_hz: float, high_hz: float
) -> NDArray[np.float32]:
    """Makes triangles of equal width on Slaney's mel scale, each of area 1 in Hz.

    Args:
        sample_rate_hz: Of the samples.
        n_fft: Samples of the transform.
        bands: Number of filters.
        low_hz: Where the first triangle begins.
        high_hz: Where the last one ends.

    Returns:
        [bands, n_fft // 2 + 1], rounded to float32 before and after the norm, as librosa stores it.
    """
    bins = np.arange(n_fft // 2 + 1) * sample_rate_hz / n_fft
    corners = _hertz(np.linspace(_mel(low_hz), _mel(high_hz), bands + 2))[:, None]
    rising = (bins - corners[:-2]) / np.diff(corners, axis=0)[:-1]
    falling = (corners[2:] - bins) / np.diff(corners, axis=0)[1:]
    triangles = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return (triangles * (2 / (corners[2:] - corners[:-2]))).astype(np.float32)


def _mel(frequency_hz: float) -> float:
    if frequency_hz < _LINEAR_END_HZ:
        return frequency_hz / _LINEAR_HZ_PER_MEL
    return float(_LINEAR_END_MEL + np.log(frequency_hz / _LINEAR_END_HZ) / _LOG_STEP)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _LINEAR_END_HZ * np.exp(_LOG_STEP * (mel - _LINEAR_END_MEL))
    return np.where(mel < _LINEAR_END_MEL, mel * _LINEAR_HZ_PER_MEL, above)
