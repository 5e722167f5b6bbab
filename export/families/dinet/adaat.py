"""AdaAT: every channel of a feature map is turned, scaled and shifted by itself.

The original samples the map as a volume, with `grid_sample` over five axes. Its third coordinate
is c ↦ 2c/(D-1) - 1 for channel c of D, which without aligned corners is position c·D/(D-1) - 1/2:
between two channels, so that neighbours are mixed, and the outermost ones with nothing. Here that
mixture is made first, after which each channel is a picture; the sum is the same.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.families.dinet.precise import Precise

_PI = 3.14159  # as the original has it


class AdaAT(Precise):
    """Affine transformations of channels, told by a code.

    It stays in float32 whatever the rest computes in. ONNX Runtime samples nothing else; an angle
    that was rounded to halves turns the border of a map by up to a twentieth of a pixel, in every
    channel by another; and of what float16 costs the whole network, most came from here and from
    the speech's encoder.
    """

    x: Tensor
    y: Tensor
    before: Tensor
    after: Tensor

    def __init__(self, code: int, channels: int, extents: tuple[int, int]) -> None:
        """Makes it for maps of `extents`, rows and columns."""
        super().__init__()
        # The names of the layers, their spelling included, are those of checkpoints.
        self.commn_linear = nn.Sequential(nn.Linear(code, channels), nn.ReLU())
        self.scale = nn.Sequential(nn.Linear(channels, channels), nn.Sigmoid())
        self.rotation = nn.Sequential(nn.Linear(channels, channels), nn.Tanh())
        self.translation = nn.Sequential(nn.Linear(channels, 2 * channels), nn.Tanh())
        self.extents = extents
        # Buffers: a trace would make them on the processor even where it runs on a GPU.
        for name, values in _constants(channels, extents).items():
            self.register_buffer(name, values, persistent=False)

    def forward(self, features: Tensor, seen: Tensor, heard: Tensor) -> Tensor:
        """Transforms the channels of [B, D, H, W] by the codes [B, C/2] of pictures and speech."""
        code = torch.cat([seen.float(), heard.float()], 1)
        grid = self._grid(self.commn_linear(code))
        sampled = functional.grid_sample(
            self.mixed(features.float()).reshape(-1, 1, *self.extents),
            grid.reshape(-1, *self.extents, 2),
            mode="bilinear",
            padding_mode="zeros",
            align_corners=False,
        )
        return sampled.reshape(-1, features.shape[1], *self.extents).to(features.dtype)

    def mixed(self, features: Tensor) -> Tensor:
        """Samples [B, D, H, W] linearly between channels, at c·D/(D-1) - 1/2 for every c."""
        padded = functional.pad(features, (0, 0, 0, 0, 1, 1))
        neighbours = self.before * padded[:, :-2] + self.after * padded[:, 2:]
        return (1 - self.before - self.after) * features + neighbours

    def _grid(self, hidden: Tensor) -> Tensor:
        """Where each channel is sampled, in -1..1, [B, D, H, W, 2]."""
        scale, angle = _spread(2 * self.scale(hidden)), _spread(_PI * self.rotation(hidden))
        shift = self.translation(hidden).reshape(-1, scale.shape[1], 2)
        cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
        columns = cos * self.x - sin * self.y + _spread(shift[..., 0])
        rows = sin * self.x + cos * self.y + _spread(shift[..., 1])
        return torch.stack([columns, rows], -1)


def _constants(channels: int, extents: tuple[int, int]) -> dict[str, Tensor]:
    """Positions [H, 1] and [W], and the shares [1, D, 1, 1] of a channel's two neighbours."""
    away = (torch.arange(channels) / (channels - 1) - 0.5).reshape(1, -1, 1, 1)
    return {
        "x": torch.linspace(-1, 1, extents[1]),
        "y": torch.linspace(-1, 1, extents[0])[:, None],
        "before": torch.relu(-away),
        "after": torch.relu(away),
    }


def _spread(numbers: Tensor) -> Tensor:
    return numbers[:, :, None, None]
