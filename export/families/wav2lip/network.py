"""The Wav2Lip generator: a face encoder, an audio encoder and a decoder joined by skips.

Structure, extents and names of parameters are those of K R Prajwal et al., "A Lip Sync Expert Is
All You Need for Speech to Lip Generation In the Wild" (2020), so that its checkpoints load.
"""

import torch
from torch import Tensor, nn

FACE_SIDE = 96


class Convolution(nn.Module):
    """Convolution, batch normalisation, optionally the input added, and a rectifier."""

    def __init__(
        self,
        channels: tuple[int, int],
        kernel: int = 3,
        stride: int | tuple[int, int] = 1,
        padding: int = 1,
        *,
        residual: bool = False,
    ) -> None:
        super().__init__()
        convolution = nn.Conv2d(*channels, kernel, stride, padding)
        self.conv_block = nn.Sequential(convolution, nn.BatchNorm2d(channels[1]))
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, C, H, W] to [B, C', H', W']."""
        y: Tensor = self.conv_block(x)
        return torch.relu(y + x if self.residual else y)


class Enlargement(nn.Module):
    """Transposed convolution of 3x3, batch normalisation and a rectifier."""

    def __init__(self, channels: tuple[int, int], stride: int = 2) -> None:
        super().__init__()
        # From 1x1 to 3x3 at stride 1; doubling at stride 2.
        edge = stride - 1
        convolution = nn.ConvTranspose2d(*channels, 3, stride, edge, output_padding=edge)
        self.conv_block = nn.Sequential(convolution, nn.BatchNorm2d(channels[1]))

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, C, H, W] to [B, C', 2H, 2W], or to [B, C', H+2, W+2] at stride 1."""
        return torch.relu(self.conv_block(x))


def _refinements(channels: int, count: int) -> list[nn.Module]:
    return [Convolution((channels, channels), residual=True) for _ in range(count)]


def _halving(channels: tuple[int, int], refinements: int) -> nn.Sequential:
    first = Convolution(channels, stride=2)
    return nn.Sequential(first, *_refinements(channels[1], refinements))


def _doubling(channels: tuple[int, int], refinements: int, stride: int = 2) -> nn.Sequential:
    first = Enlargement(channels, stride)
    return nn.Sequential(first, *_refinements(channels[1], refinements))


def _face_encoder() -> nn.ModuleList:
    return nn.ModuleList(
        [
            nn.Sequential(Convolution((6, 16), kernel=7, padding=3)),  # 96
            _halving((16, 32), 2),  # 48
            _halving((32, 64), 3),  # 24
            _halving((64, 128), 2),  # 12
            _halving((128, 256), 2),  # 6
            _halving((256, 512), 1),  # 3
            nn.Sequential(
                Convolution((512, 512), padding=0),  # 1
                Convolution((512, 512), kernel=1, padding=0),
            ),
        ]
    )


def _audio_encoder() -> nn.Sequential:
    return nn.Sequential(
        Convolution((1, 32)),  # 80 x 16
        *_refinements(32, 2),
        Convolution((32, 64), stride=(3, 1)),  # 27 x 16
        *_refinements(64, 2),
        Convolution((64, 128), stride=3),  # 9 x 6
        *_refinements(128, 2),
        Convolution((128, 256), stride=(3, 2)),  # 3 x 3
        *_refinements(256, 1),
        Convolution((256, 512), padding=0),  # 1 x 1
        Convolution((512, 512), kernel=1, padding=0),
    )


def _face_decoder() -> nn.ModuleList:
    return nn.ModuleList(
        [
            nn.Sequential(Convolution((512, 512), kernel=1, padding=0)),  # 1
            _doubling((1024, 512), 1, stride=1),  # 3
            _doubling((1024, 512), 2),  # 6
            _doubling((768, 384), 2),  # 12
            _doubling((512, 256), 2),  # 24
            _doubling((320, 128), 2),  # 48
            _doubling((160, 64), 2),  # 96
        ]
    )


class Generator(nn.Module):
    """The whole generator."""

    def __init__(self) -> None:
        super().__init__()
        self.face_encoder_blocks = _face_encoder()
        self.audio_encoder = _audio_encoder()
        self.face_decoder_blocks = _face_decoder()
        self.output_block = nn.Sequential(Convolution((80, 32)), nn.Conv2d(32, 3, 1), nn.Sigmoid())

    def forward(self, mel: Tensor, faces: Tensor) -> Tensor:
        """Draws faces that say what the spectrum holds.

        Args:
            mel: [B, 1, 80, 16] float in -4..4: bands, then columns of 12.5 ms.
            faces: [B, 6, 96, 96] float in 0..1: BGR with the lower half zero, then BGR whole.

        Returns:
            [B, 3, 96, 96] float in 0..1, BGR.
        """
        skips = []
        for block in self.face_encoder_blocks:
            faces = block(faces)
            skips.append(faces)
        x = self.audio_encoder(mel)
        for block in self.face_decoder_blocks:
            x = torch.cat([block(x), skips.pop()], dim=1)
        drawn: Tensor = self.output_block(x)
        return drawn
