"""The generator of DINet as its authors published it."""

import torch
from torch import Tensor, nn

from export.families.dinet.adaat import AdaAT
from export.families.dinet.blocks import (
    AudioEncoder,
    Convolution,
    Enlargement,
    Residual,
    halving,
    refinements,
)

_CODE = 128  # of the pictures, and as wide again of the speech
_MAP = 256


class Generator(nn.Module):
    """Redraws the mouth of a face from speech and some other pictures of it."""

    def __init__(self, references: int, audio_width: int, extents: tuple[int, int]) -> None:
        """Makes it.

        Args:
            references: How many pictures it borrows from.
            audio_width: Width of its speech features.
            extents: Rows and columns of pictures, both multiples of 4.
        """
        super().__init__()
        rows, columns = extents
        self.source_in_conv = _picture_encoder(3)
        self.ref_in_conv = _picture_encoder(3 * references)
        self.trans_conv = _code_encoder()
        self.audio_encoder = AudioEncoder(audio_width, _CODE)
        self.appearance_conv_list = nn.ModuleList(
            nn.Sequential(*refinements(_MAP)) for _ in range(2)
        )
        self.adaAT = AdaAT(2 * _CODE, _MAP, (rows // 4, columns // 4))
        self.out_conv = _decoder()

    def forward(self, source: Tensor, reference: Tensor, audio: Tensor) -> Tensor:
        """Draws faces.

        Args:
            source: [B, 3, H, W] in 0..1, RGB, the mouth's rectangle zero.
            reference: [B, 3R, H, W] likewise, whole, one picture's channels after the other's.
            audio: [B, D, T].

        Returns:
            [B, 3, H, W] in 0..1.
        """
        pictures, lent = self.source_in_conv(source), self.ref_in_conv(reference)
        seen = self.trans_conv(torch.cat([pictures, lent], 1)).mean((2, 3))
        heard = self.audio_encoder(audio).mean(2)
        first, second = self.appearance_conv_list
        moved = second(self.adaAT(first(lent), seen, heard))
        drawn: Tensor = self.out_conv(torch.cat([pictures, moved], 1))
        return drawn


def _picture_encoder(channels: int) -> nn.Sequential:
    return nn.Sequential(Convolution((channels, 64), 7), halving((64, 128)), halving((128, _MAP)))


def _code_encoder() -> nn.Sequential:
    same = (_CODE, _CODE)
    return nn.Sequential(
        Convolution((2 * _MAP, _CODE)),
        Convolution(same, 11),
        Convolution(same, 11),
        halving(same),
        Convolution(same, 7),
        Convolution(same, 7),
        halving(same),
        Convolution(same),
        halving(same),
        Convolution(same),
        halving(same),
    )


def _decoder() -> nn.Sequential:
    return nn.Sequential(
        Convolution((2 * _MAP, _CODE)),
        Enlargement((_CODE, _CODE)),
        Residual(_CODE),
        Enlargement((_CODE, _CODE)),
        nn.Conv2d(_CODE, 3, 7, padding=3),
        nn.Sigmoid(),
    )
