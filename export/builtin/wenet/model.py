"""The speech encoder as it is served: waveform windows in, named features out."""

import torch
from torch import Tensor, nn

from export.builtin.wenet.frontend import LogMel
from export.builtin.wenet.network import ConformerEncoder, Size
from export.builtin.wenet.phones import LIPS_SHUT, MOUTH_SHAPES, PHONES

CORE_SAMPLES = 64_000  # 4 s
CONTEXT_SAMPLES = 13_160  # on each side of the core
WINDOW_SAMPLES = CORE_SAMPLES + 2 * CONTEXT_SAMPLES
FEATURE_SAMPLES = 640  # 40 ms
CORE_FEATURES = CORE_SAMPLES // FEATURE_SAMPLES
WINDOW_FEATURES = 140
FIRST_CORE_FEATURE = 20  # output i is centred at 40 i + 42.5 ms; 20 is the first in the core
FEATURE_WIDTH = 64

# A missed closure of the lips is seen at once, a wrong one hardly: the odds are set for that.
CLOSURE_ODDS = 3.0
_CLOSING_POWER = 1.5
_QUIETEST_DBFS = -60.0


class SpeechEncoder(nn.Module):
    """Conformer encoder with a head for the phone classes and one for voicing.

    Opening, width, rounding and closure are not learned apart: they are the expected mouth
    shape under the phone posteriors, in which the odds of m, b and p count `CLOSURE_ODDS`-fold.
    """

    closure_odds: Tensor
    mouth_shapes: Tensor
    lips_shut: Tensor

    def __init__(self, size: Size | None = None) -> None:
        super().__init__()
        size = size or Size()
        self.frontend = LogMel()
        self.encoder = ConformerEncoder(size, WINDOW_FEATURES)
        self.phone_head = nn.Linear(size.width, len(PHONES))
        self.voicing_head = nn.Linear(size.width, 1)
        shut = torch.tensor([float(index in LIPS_SHUT) for index in range(len(PHONES))])
        self.register_buffer("lips_shut", shut.unsqueeze(1), persistent=False)
        odds = 1 + (CLOSURE_ODDS - 1) * shut
        self.register_buffer("closure_odds", odds, persistent=False)
        self.register_buffer("mouth_shapes", torch.from_numpy(MOUTH_SHAPES), persistent=False)

    def logits(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Score log mel frames [B, T, 80]: phone logits [B, T', 28], voicing [B, T', 1]."""
        hidden = self.encoder(mel)
        return self.phone_head(hidden), self.voicing_head(hidden)

    def forward(self, speech: Tensor) -> Tensor:
        """Turn windows [B, 90320] in -1..1 into the features [B, 100, 64] of their cores."""
        phone_logits, voicing_logits = self.logits(self.frontend(speech))
        core = slice(FIRST_CORE_FEATURE, FIRST_CORE_FEATURE + CORE_FEATURES)
        posteriors = torch.softmax(phone_logits[:, core], dim=-1)
        voicing = torch.sigmoid(voicing_logits[:, core])
        parts = [posteriors, voicing, energy(speech), *self._mouth(posteriors)]
        features = torch.cat(parts, dim=-1)
        return nn.functional.pad(features, (0, FEATURE_WIDTH - features.shape[-1]))

    def _mouth(self, posteriors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Expect opening [B, T, 1], width and rounding [B, T, 2], and closure [B, T, 1]."""
        weighted = posteriors * self.closure_odds
        weighted = weighted / weighted.sum(dim=-1, keepdim=True)
        closure = weighted @ self.lips_shut
        shape = weighted @ self.mouth_shapes
        opening = shape[..., :1] * torch.clamp(1 - closure, min=0) ** _CLOSING_POWER
        return opening, shape[..., 1:], closure


def energy(speech: Tensor) -> Tensor:
    """Level of each 40 ms of the core of windows [B, 90320]: [B, 100, 1], -60..0 dBFS as 0..1."""
    core = speech[:, CONTEXT_SAMPLES : CONTEXT_SAMPLES + CORE_SAMPLES]
    blocks = core.reshape(-1, CORE_FEATURES, FEATURE_SAMPLES)
    power = (blocks * blocks).mean(dim=-1, keepdim=True)
    level_db = torch.log(torch.clamp(power, min=1e-10)) * (10 / 2.302585092994046)
    return torch.clamp((level_db - _QUIETEST_DBFS) / -_QUIETEST_DBFS, 0, 1)
