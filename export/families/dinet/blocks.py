"""What DINet generators are made of.

Structure and names of parameters are those of Z. Zhang et al., "DINet: Deformation Inpainting
Network for Realistic Face Visually Dubbing on High Resolution Video" (2023), so that its
checkpoints load.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.families.dinet.precise import Precise

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d}
_NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}


class Convolution(nn.Module):
    """Convolution, batch normalisation and a rectifier, over 1 or 2 axes."""

    def __init__(
        self, channels: tuple[int, int], kernel: int = 3, stride: int = 1, axes: int = 2
    ) -> None:
        super().__init__()
        self.conv = _CONVOLUTIONS[axes](*channels, kernel, stride, kernel // 2)
        self.norm = _NORMS[axes](channels[1])

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, C, …] to [B, C', …]; stride 2 halves the extents."""
        return torch.relu(self.norm(self.conv(x)))


class Enlargement(Convolution):
    """The same at twice the extents, of repeated samples."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, C, H, W] to [B, C', 2H, 2W]."""
        return super().forward(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


class Residual(nn.Module):
    """Two convolutions behind normalisations and rectifiers, and the input added."""

    def __init__(self, channels: int, axes: int = 2) -> None:
        super().__init__()
        self.norm1, self.norm2 = (_NORMS[axes](channels) for _ in range(2))
        self.conv1, self.conv2 = (
            _CONVOLUTIONS[axes](channels, channels, 3, padding=1) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, C, …] to the same shape."""
        inner = self.conv1(torch.relu(self.norm1(x)))
        refined: Tensor = self.conv2(torch.relu(self.norm2(inner)))
        return refined + x


def halving(channels: tuple[int, int], kernel: int = 3, axes: int = 2) -> Convolution:
    """Returns a convolution that halves the extents."""
    return Convolution(channels, kernel, stride=2, axes=axes)


def refinements(channels: int, count: int = 4) -> list[nn.Module]:
    """Returns residual blocks."""
    return [Residual(channels) for _ in range(count)]


class AudioEncoder(Precise, nn.Sequential):
    """What maps speech features [B, width, T] to [B, channels, T/4], in float32.

    The code of the speech turns whole maps, so that its roundings show more than any others', and
    it is next to nothing to compute.
    """

    def __init__(self, width: int, channels: int) -> None:
        same = (channels, channels)
        super().__init__(
            Convolution((width, channels), 5, axes=1),
            Residual(channels, axes=1),
            halving(same, axes=1),
            Residual(channels, axes=1),
            halving(same, axes=1),
            Convolution(same, axes=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Encodes them."""
        encoded: Tensor = super().forward(features.float())
        return encoded
