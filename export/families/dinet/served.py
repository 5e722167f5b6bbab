"""The generator between the pictures and features of the pipeline."""

import torch
from torch import Tensor, nn

from export.families.dinet.geometry import Geometry
from export.families.dinet.network import Generator
from export.pixels import from_unit, to_unit


class ServedGenerator(nn.Module):
    """Takes square crops, gives them with the mouth redrawn, and the weight of what was redrawn.

    Attributes:
        core: The float network.
    """

    around_mouth: Tensor
    weights: Tensor

    def __init__(self, core: Generator, geometry: Geometry) -> None:
        super().__init__()
        self.core = core
        self.margin = geometry.margin
        around = torch.from_numpy(geometry.around_mouth())
        self.register_buffer("around_mouth", around, persistent=False)
        weights = torch.from_numpy(geometry.weights())[None, :, :, None]
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, face: Tensor, reference: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Draws faces.

        Args:
            face: [B, S, S, 3] uint8 RGB.
            reference: [B, R, S, S, 3] uint8 RGB, other pictures of the same person.
            features: [B, D, T] float32.

        Returns:
            Pictures [B, S, S, 3] uint8 RGB, in the outer columns those of `face`, and weights
            [B, S, S, 1] uint8.
        """
        drawn = from_unit(self.core(*self.inputs(face, reference, features)))
        left, right = face[:, :, : self.margin], face[:, :, -self.margin :]
        mask = self.weights.expand(face.shape[0], -1, -1, -1).byte()
        return torch.cat([left, drawn, right], 2), mask

    def inputs(
        self, face: Tensor, reference: Tensor, features: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns what the core takes: source, references, and speech."""
        columns = slice(self.margin, -self.margin)
        source = to_unit(face[:, :, columns]) * self.around_mouth
        lent = to_unit(reference[:, :, :, columns].flatten(0, 1))
        # One picture's channels after the other's.
        return source, lent.reshape(face.shape[0], -1, *source.shape[2:]), features
