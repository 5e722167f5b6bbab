"""The Wav2Lip generator between the pixels and features of the pipeline."""

import torch
from torch import Tensor, nn

from export.families.wav2lip.features import MEL_BANDS, MEL_COLUMNS
from export.families.wav2lip.network import FACE_SIDE, Generator


class ServedGenerator(nn.Module):
    """Takes a face and a column of features, gives the face drawn anew; uint8 RGB throughout.

    Attributes:
        core: The float network.
    """

    upper_half: Tensor

    def __init__(self, core: Generator) -> None:
        super().__init__()
        self.core = core
        upper = (torch.arange(FACE_SIDE) < FACE_SIDE // 2).float().reshape(1, 1, -1, 1)
        self.register_buffer("upper_half", upper, persistent=False)

    def forward(self, face: Tensor, features: Tensor) -> Tensor:
        """Draws faces.

        Args:
            face: [B, 96, 96, 3] uint8 RGB.
            features: [B, 1280, 1] float32, band-major: 16 columns of the first band, and so on.

        Returns:
            [B, 96, 96, 3] uint8 RGB.
        """
        mel = features.reshape(-1, 1, MEL_BANDS, MEL_COLUMNS)
        # Training read pictures with OpenCV, in BGR, and never turned them.
        whole = face.float().div(255).flip(3).permute(0, 3, 1, 2)
        drawn = self.core(mel, torch.cat([whole * self.upper_half, whole], dim=1))
        # Truncated, as the original writes its pictures; the sigmoid stays within 0..1.
        return (drawn.permute(0, 2, 3, 1).flip(3) * 255).to(torch.uint8)
