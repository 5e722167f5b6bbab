"""Kaldi-like log mel filter bank as two constant matrices, so that it runs inside a graph.

Framing, removal of the mean, pre-emphasis, window and discrete Fourier transform are all
linear, so together they are one matrix: a convolution of the waveform with stride 10 ms.
Source of the steps and numbers: Kaldi's ``compute-fbank-feats`` at its defaults without dither.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

FRAME_SAMPLES = 400  # 25 ms at 16 kHz
HOP_SAMPLES = 160  # 10 ms
MEL_BINS = 80
_FFT_SIZE = 512
_SAMPLE_RATE_HZ = 16_000
_LOWEST_HZ = 20.0
_PREEMPHASIS = 0.97
_WINDOW_POWER = 0.85  # Kaldi's "povey" window is a Hann window to this power
_INT16_SCALE = 32768.0  # Kaldi's samples are not divided by full scale

# Kaldi's own floor is 1.2e-7. The level of 1, about that of 16-bit rounding noise, makes digital
# silence look like a very quiet room, not like something no microphone ever gives.
ENERGY_FLOOR = 1.0


def analysis_matrix() -> NDArray[np.float32]:
    """Make the matrix from the samples of a frame to its spectrum.

    Returns:
        [512, 400] float32: real parts of 256 frequencies, then imaginary parts.
    """
    centred = np.eye(FRAME_SAMPLES) - 1 / FRAME_SAMPLES
    emphasis = np.eye(FRAME_SAMPLES) - _PREEMPHASIS * np.eye(FRAME_SAMPLES, k=-1)
    emphasis[0, 0] = 1 - _PREEMPHASIS
    window = np.hanning(FRAME_SAMPLES) ** _WINDOW_POWER
    linear = window[:, None] * (emphasis @ centred) * _INT16_SCALE
    spectrum = np.fft.rfft(linear, n=_FFT_SIZE, axis=0)[:-1]  # the last has no mel weight
    return np.concatenate([spectrum.real, spectrum.imag]).astype(np.float32)


def mel_matrix() -> NDArray[np.float32]:
    """Make the mel weights [256, 80] float32: triangles of equal width on the mel scale."""
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(_SAMPLE_RATE_HZ / 2), MEL_BINS + 2)
    bins = _mel(np.arange(_FFT_SIZE // 2) * _SAMPLE_RATE_HZ / _FFT_SIZE)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(frequency_hz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1127 * np.log1p(np.asarray(frequency_hz) / 700))


class LogMel(nn.Module):
    """Waveform [B, n] in -1..1 to log mel energies [B, T, 80], T = (n - 400) // 160 + 1."""

    analysis: Tensor
    mel: Tensor

    def __init__(self, floor: float = ENERGY_FLOOR) -> None:
        super().__init__()
        self.floor = floor
        analysis = torch.from_numpy(analysis_matrix()).unsqueeze(1)
        self.register_buffer("analysis", analysis, persistent=False)
        self.register_buffer("mel", torch.from_numpy(mel_matrix()), persistent=False)

    def forward(self, speech: Tensor) -> Tensor:
        """Compute the energies."""
        spectrum = nn.functional.conv1d(speech.unsqueeze(1), self.analysis, stride=HOP_SAMPLES)
        real, imaginary = spectrum[:, : _FFT_SIZE // 2], spectrum[:, _FFT_SIZE // 2 :]
        power = (real * real + imaginary * imaginary).transpose(1, 2)
        return torch.log(torch.clamp(power @ self.mel, min=self.floor))
