"""Wav2Lip's mel spectrum of a window of speech, cut into what each picture is drawn from.

All numbers are those of the original's `hparams.py` and `audio.py`.
"""

import torch
from torch import Tensor, nn

from export.families.wav2lip.features import COLUMNS_PER_S, MEL_BANDS, MEL_COLUMNS, WIDTH
from export.spectrum import MelSpectrum, ShortTimeSpectrum, mel_filters

SAMPLE_RATE_HZ = 16_000
FEATURES_PER_S = 25
CORE_S = 4  # the columns of a feature begin at whole ones every fifth feature

_HOP = SAMPLE_RATE_HZ // COLUMNS_PER_S
_N_FFT = 800
_LOWEST_HZ, _HIGHEST_HZ = 55.0, 7600.0
_LEAST, _REFERENCE_DB, _MIN_DB, _RANGE = 1e-5, 20.0, -100.0, 4.0


class SpeechFeatures(nn.Module):
    """Speech to features: feature k holds the columns from int(3.2 k) on, 16 of them.

    So picture k of a clip of 25 per second gets the 0.2 s that begin with it, as in the original.
    That takes the last window of a recording back to where it fits; here silence follows.

    Attributes:
        left: Samples of context before the core.
        core: Samples that the features are of.
        right: Samples of context behind it.
    """

    columns: Tensor

    def __init__(self) -> None:
        super().__init__()
        spectrum = ShortTimeSpectrum(
            n_fft=_N_FFT, hop=_HOP, window=_N_FFT, power=1, padding="none", preemphasis=0.97
        )
        filters = mel_filters(
            sample_rate_hz=SAMPLE_RATE_HZ,
            n_fft=_N_FFT,
            bands=MEL_BANDS,
            low_hz=_LOWEST_HZ,
            high_hz=_HIGHEST_HZ,
        )
        self.mel = MelSpectrum(spectrum, filters)
        self.count = CORE_S * FEATURES_PER_S
        starts = [k * COLUMNS_PER_S // FEATURES_PER_S for k in range(self.count)]
        columns = torch.tensor([start + c for start in starts for c in range(MEL_COLUMNS)])
        self.register_buffer("columns", columns, persistent=False)
        self.left, self.core = spectrum.first_centre, CORE_S * SAMPLE_RATE_HZ
        self.right = int(columns.max()) * _HOP + _N_FFT // 2 - self.core

    def forward(self, speech: Tensor) -> Tensor:
        """Computes features.

        Args:
            speech: [B, left + core + right] samples in -1..1.

        Returns:
            [B, count, 1280] in -4..4.
        """
        decibels = 20 * torch.log10(self.mel(speech).clamp(min=_LEAST)) - _REFERENCE_DB
        scaled = 2 * _RANGE * (decibels - _MIN_DB) / -_MIN_DB - _RANGE
        cut = scaled.clamp(-_RANGE, _RANGE).index_select(2, self.columns)
        windows = cut.reshape(-1, MEL_BANDS, self.count, MEL_COLUMNS)
        return windows.permute(0, 2, 1, 3).reshape(-1, self.count, WIDTH)
