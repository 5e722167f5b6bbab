"""The served model: a window of speech to the features of its core."""

from torch import Tensor, nn

from export.families.wenet.frontend import FrontEnd
from export.families.wenet.network import Conformer
from export.families.wenet.window import Plan


class SpeechFeatures(nn.Module):
    """Front end and encoder over a window."""

    def __init__(self, front_end: FrontEnd, core: Conformer, plan: Plan) -> None:
        super().__init__()
        self.front_end, self.core = front_end, core
        self.offset, self.first, self.end = plan.offset, plan.first, plan.first + plan.count

    def forward(self, speech: Tensor) -> Tensor:
        """Computes features.

        Args:
            speech: [B, window] float32, mono at 16 kHz in -1..1.

        Returns:
            [B, count, width] float32.
        """
        features: Tensor = self.core(self.mel(speech))
        return features[:, self.first : self.end]

    def mel(self, speech: Tensor) -> Tensor:
        """Computes the log mel frames [B, T, bands] that the encoder takes."""
        frames: Tensor = self.front_end(speech[:, self.offset :])
        return frames
