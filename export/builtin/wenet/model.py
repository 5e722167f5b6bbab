"""The speech encoder as it is served: waveform windows in, named features out."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from export.builtin.wenet.frontend import LogMel
from export.builtin.wenet.network import ConformerEncoder, Size
from export.builtin.wenet.phones import PHONES

CORE_SAMPLES = 64_000  # 4 s
CONTEXT_SAMPLES = 13_160  # on each side of the core
WINDOW_SAMPLES = CORE_SAMPLES + 2 * CONTEXT_SAMPLES
FEATURE_SAMPLES = 640  # 40 ms
CORE_FEATURES = CORE_SAMPLES // FEATURE_SAMPLES
WINDOW_FEATURES = 140
FIRST_CORE_FEATURE = 20  # output i is centred at 40 i + 42.5 ms; 20 is the first in the core
FEATURE_WIDTH = 64

# A missed closure of the lips is seen at once, a wrong one hardly: the odds are set for that.
CLOSURE_ODDS = 8.0
CLOSING_POWER = 1.5
_QUIETEST_DBFS = -60.0


class Logits(NamedTuple):
    """What the heads say of each feature, before they are made probabilities and sizes.

    Phones [B, T, 28], voicing [B, T, 1], mouth [B, T, 3] (opening, width, rounding), closure
    [B, T, 1].
    """

    phones: Tensor
    voicing: Tensor
    mouth: Tensor
    closure: Tensor


class SpeechEncoder(nn.Module):
    """Conformer encoder with heads for the phones, voicing, the mouth's shape and closed lips.

    The odds that the lips are shut count `closure_odds`-fold, and close the mouth.
    """

    closure_odds: Tensor

    def __init__(self, size: Size | None = None) -> None:
        super().__init__()
        size = size or Size()
        self.frontend = LogMel()
        self.encoder = ConformerEncoder(size, WINDOW_FEATURES)
        self.phone_head = nn.Linear(size.width, len(PHONES))
        self.voicing_head = nn.Linear(size.width, 1)
        self.mouth_head = nn.Linear(size.width, 3)
        self.closure_head = nn.Linear(size.width, 1)
        self.register_buffer("closure_odds", torch.tensor(CLOSURE_ODDS), persistent=False)

    def logits(self, mel: Tensor) -> Logits:
        """Score log mel frames [B, T, 80]."""
        hidden = self.encoder(mel)
        return Logits(
            self.phone_head(hidden),
            self.voicing_head(hidden),
            self.mouth_head(hidden),
            self.closure_head(hidden),
        )

    def forward(self, speech: Tensor) -> Tensor:
        """Turn windows [B, 90320] in -1..1 into the features [B, 100, 64] of their cores."""
        core = slice(FIRST_CORE_FEATURE, FIRST_CORE_FEATURE + CORE_FEATURES)
        logits = Logits(*(part[:, core] for part in self.logits(self.frontend(speech))))
        closure = torch.sigmoid(logits.closure + torch.log(self.closure_odds))
        opening = torch.clamp(logits.mouth[..., :1], 0, 1) * (1 - closure) ** CLOSING_POWER
        parts = [
            torch.softmax(logits.phones, dim=-1),
            torch.sigmoid(logits.voicing),
            energy(speech),
            opening,
            torch.clamp(logits.mouth[..., 1:2], -1, 1),
            torch.clamp(logits.mouth[..., 2:], 0, 1),
            closure,
        ]
        features = torch.cat(parts, dim=-1)
        return nn.functional.pad(features, (0, FEATURE_WIDTH - features.shape[-1]))


def energy(speech: Tensor) -> Tensor:
    """Level of each 40 ms of the core of windows [B, 90320]: [B, 100, 1], -60..0 dBFS as 0..1."""
    core = speech[:, CONTEXT_SAMPLES : CONTEXT_SAMPLES + CORE_SAMPLES]
    blocks = core.reshape(-1, CORE_FEATURES, FEATURE_SAMPLES)
    power = (blocks * blocks).mean(dim=-1, keepdim=True)
    level_db = torch.log(torch.clamp(power, min=1e-10)) * (10 / 2.302585092994046)
    return torch.clamp((level_db - _QUIETEST_DBFS) / -_QUIETEST_DBFS, 0, 1)
