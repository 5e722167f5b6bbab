"""Waveform to log mel frames: HeyGem's way and WeNet's, and where their frames lie.

Both have a frame every 10 ms, and the encoder's feature p is that of frames 4p to 4p + 6.
"""

import torch
from torch import Tensor, nn

from export.builtin.wenet.frontend import FRAME_SAMPLES, LogMel
from export.spectrum import MelSpectrum, ShortTimeSpectrum, mel_filters

SAMPLE_RATE_HZ = 16_000
FEATURE_SAMPLES = 640  # 25 features per second
HOP_SAMPLES = 160  # 100 frames per second

_FRAMES_OF_FEATURE = 7
_KALDI_FLOOR = float(torch.finfo(torch.float32).eps)  # of torchaudio, with which WeNet trains


class FrontEnd(nn.Module):
    """What both front ends have.

    Attributes:
        lead: Samples from the beginning of a feature's first frame to its own first sample.
        span: Samples of a frame.
        edge_samples: What lies before and after a whole recording that is run at once.
    """

    lead: int
    span: int
    edge_samples: tuple[int, int]


class HeyGemMel(FrontEnd):
    """HeyGem's log mel frames.

    Frames are 50 ms under a Hann window, padded to 1024 for the transform, after pre-emphasis of
    0.97; the bands are Slaney's from 0 to 8 kHz; decibels less 20, silence is -70.

    Feature j is the one whose first frame is centred at j * 40 ms. HeyGem puts 0.4 s of silence
    before a recording, so it is its number j + 10, and its columns c - 10 to c + 9 for frame i of a
    clip of 25 frames per second, where c = i + 10, are features i - 10 to i + 9: those that
    a renderer gets of 20 columns around the middle of frame i.
    """

    # HeyGem's 0.4 s of silence, and what its first and its last frame reach beyond them.
    edge_samples = (6400 + FEATURE_SAMPLES, 6400 + 400)

    def __init__(self, bands: int) -> None:
        super().__init__()
        spectrum = ShortTimeSpectrum(
            n_fft=1024, hop=HOP_SAMPLES, window=800, padding="none", preemphasis=0.97
        )
        filters = mel_filters(
            sample_rate_hz=SAMPLE_RATE_HZ, n_fft=1024, bands=bands, low_hz=0, high_hz=8000
        )
        self.mel = MelSpectrum(spectrum, filters)
        self.lead, self.span = spectrum.first_centre, 800 + 1

    def forward(self, speech: Tensor) -> Tensor:
        """Computes [B, T, bands] of [B, n], with T = (n - 801) // 160 + 1."""
        decibels = 10 * torch.log10(self.mel(speech) + 1e-5) - 20
        return decibels.transpose(1, 2)


class KaldiFbank(FrontEnd):
    """WeNet's fbank of 80 bands, normalised by the checkpoint's mean and deviation if it has them.

    The seven frames of feature k are centred at (k + 0.5) * 40 ms, exactly where the pipeline takes
    it to be. WeNet's own frames begin with the recording, and its feature k lies 22.5 ms later; an
    encoder does not care where frames begin, and viewers do care for a mouth that is late.
    """

    lead = (_FRAMES_OF_FEATURE // 2) * HOP_SAMPLES + FRAME_SAMPLES // 2 - FEATURE_SAMPLES // 2
    span = FRAME_SAMPLES
    edge_samples = (FEATURE_SAMPLES, FEATURE_SAMPLES)

    def __init__(self, cmvn: tuple[Tensor, Tensor] | None) -> None:
        """Makes it; `cmvn` is the mean of each band and the inverse of its deviation."""
        super().__init__()
        self.mel = LogMel(floor=_KALDI_FLOOR)
        mean, inverse = cmvn or (torch.zeros(80), torch.ones(80))
        self.register_buffer("mean", mean.to(torch.float32), persistent=False)
        self.register_buffer("istd", inverse.to(torch.float32), persistent=False)

    def forward(self, speech: Tensor) -> Tensor:
        """Computes [B, T, 80] of [B, n], with T = (n - 400) // 160 + 1."""
        normalised: Tensor = (self.mel(speech) - self.mean) * self.istd
        return normalised
