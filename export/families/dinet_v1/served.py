"""The generator between the pictures and features of the pipeline."""

import torch
from torch import Tensor, nn

from export.families.dinet_v1.masks import Mask
from export.families.dinet_v1.network import Generator
from export.pixels import from_unit, to_unit


class ServedGenerator(nn.Module):
    """Takes a face, gives it with the mouth redrawn; the face itself is what it borrows from.

    Attributes:
        core: The float network.
    """

    around_mouth: Tensor
    lent: Tensor

    def __init__(self, core: Generator, around_mouth: Mask, lent: Mask) -> None:
        """Makes it; both masks are [256, 256] in 0..1."""
        super().__init__()
        self.core = core
        self.register_buffer("around_mouth", torch.from_numpy(around_mouth), persistent=False)
        self.register_buffer("lent", torch.from_numpy(lent), persistent=False)

    def forward(self, face: Tensor, features: Tensor) -> Tensor:
        """Draws faces.

        Args:
            face: [B, 256, 256, 3] uint8 RGB.
            features: [B, 256, 20] float32.

        Returns:
            [B, 256, 256, 3] uint8 RGB.
        """
        return from_unit(self.core(*self.inputs(face, features)))

    def inputs(self, face: Tensor, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns what the core takes: source, reference and speech."""
        whole = to_unit(face)
        return whole * self.around_mouth, whole * self.lent, features
