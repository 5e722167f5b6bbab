"""The generator of HeyGem's landmark2face, called DINetV1."""

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
from export.families.dinet_v1.sizes import AUDIO_WIDTH, SIDE

_CODE = 256  # of the pictures, and as wide again of the speech
_MAP = 512
_LOUDER = 1.5  # the speech's code is made so much larger


class Generator(nn.Module):
    """Redraws the mouth of a face from speech and another picture of it."""

    def __init__(self) -> None:
        super().__init__()
        self.source_in_conv = _picture_encoder()
        self.ref_in_conv = _picture_encoder()
        self.trans_conv = _code_encoder()
        self.audio_encoder = AudioEncoder(AUDIO_WIDTH, _CODE)
        self.appearance_conv_list = nn.ModuleList(
            [
                nn.Sequential(Convolution((_MAP, _MAP), 5), *refinements(_MAP)),
                nn.Sequential(*refinements(_MAP)),
            ]
        )
        self.adaAT = AdaAT(2 * _CODE, _MAP, (SIDE // 8, SIDE // 8))
        self.out_conv = _decoder()

    def forward(self, source: Tensor, reference: Tensor, audio: Tensor) -> Tensor:
        """Draws faces.

        Args:
            source: [B, 3, 256, 256] in 0..1, RGB, the mouth's rectangle zero.
            reference: [B, 3, 256, 256] likewise, whole.
            audio: [B, 256, T].

        Returns:
            [B, 3, 256, 256] in 0..1.
        """
        levels = _pyramid(self.source_in_conv, source)
        lent = _pyramid(self.ref_in_conv, reference)[-1]
        seen = self.trans_conv(torch.cat([levels[-1], lent], 1)).mean((2, 3))
        heard = (_LOUDER * self.audio_encoder(audio)).mean(2)
        first, second = self.appearance_conv_list
        moved = second(self.adaAT(first(lent), seen, heard))
        coarse, *finer = self.out_conv
        drawn: Tensor = coarse(torch.cat([levels.pop(), moved], 1))
        for stage in finer:
            # From here on what is drawn comes first.
            drawn = stage(torch.cat([drawn, levels.pop()], 1))
        return drawn


def _pyramid(stages: nn.ModuleList, picture: Tensor) -> list[Tensor]:
    """Returns the outputs of all stages, the coarsest last."""
    levels = []
    for stage in stages:
        picture = stage(picture)
        levels.append(picture)
    return levels


def _picture_encoder() -> nn.ModuleList:
    return nn.ModuleList(
        [
            nn.Sequential(Convolution((3, 64), 7), halving((64, 128))),
            nn.Sequential(Convolution((128, 128)), halving((128, 256))),
            nn.Sequential(Convolution((256, 256)), halving((256, _MAP))),
        ]
    )


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
        Convolution(same, 5),
        halving(same, 5),
        Convolution(same),
        halving(same),
    )


def _decoder() -> nn.ModuleList:
    """Stages that take what is drawn and the source's level beside it."""
    return nn.ModuleList(
        [
            nn.Sequential(Convolution((2 * _MAP, _MAP)), Enlargement((_MAP, _MAP)), Residual(_MAP)),
            nn.Sequential(Enlargement((_MAP + 256, 256)), Residual(256)),
            nn.Sequential(
                Enlargement((256 + 128, 128)),
                Residual(128),
                nn.Conv2d(128, 3, 7, padding=3),
                nn.Sigmoid(),
            ),
        ]
    )
