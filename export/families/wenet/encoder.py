"""An encoder as a checkpoint and its configuration say it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from client.errors import InputError
from export.checkpoint import Checkpoint
from export.families.wenet.frontend import FrontEnd, HeyGemMel, KaldiFbank
from export.families.wenet.layout import Layout, check_origin, find_encoder, read_layout
from export.families.wenet.network import Conformer
from export.families.wenet.served import SpeechFeatures
from export.families.wenet.settings import FrontEnd as FrontEndName
from export.families.wenet.settings import Settings, check_fits
from export.families.wenet.weights import CMVN, load
from export.families.wenet.window import Window, plan_of

_HEYGEM_WIDTH = 256
_KALDI_BANDS = 80


@dataclass(frozen=True)
class Encoder:
    """An encoder as a checkpoint and its configuration say it is.

    Attributes:
        layout: Its size.
        settings: Its configuration.
        front_end_name: Which front end it has.
        tensors: Its weights, under its own names.
    """

    layout: Layout
    settings: Settings
    front_end_name: FrontEndName
    tensors: Mapping[str, Tensor]

    @cached_property
    def front_end(self) -> FrontEnd:
        """The front end, with the checkpoint's mean if it is WeNet's.

        Raises:
            InputError: If it has another number of mel bands.
        """
        bands = self.settings.bands_of(self.layout)
        if self.front_end_name == "heygem":
            return HeyGemMel(bands)
        if bands != _KALDI_BANDS:
            raise InputError(
                f"The checkpoint takes {bands} mel bands; with WeNet's front end only encoders of "
                f"{_KALDI_BANDS} are supported."
            )
        mean, inverse = (self.tensors.get(key) for key in CMVN)
        return KaldiFbank((mean, inverse) if mean is not None and inverse is not None else None)

    def core(self, frames: int) -> Conformer:
        """Makes the network that gives so many features.

        Raises:
            InputError: If the checkpoint's weights are of another one.
        """
        causal = self.settings.encoder_conf.causal
        network: Conformer = Conformer(
            self.layout, norm_eps=self.norm_eps, is_causal=causal, frames=frames
        )
        load(network, self.tensors)
        network.eval().requires_grad_(False)
        return network

    def served(self, window: Window) -> SpeechFeatures:
        """Makes the model that is served for a window."""
        plan = plan_of(window, self.front_end)
        served = SpeechFeatures(self.front_end, self.core(plan.features), plan)
        served.eval()
        return served

    @property
    def norm_eps(self) -> float:
        """Epsilon of its LayerNorm."""
        return self.settings.norm_eps_of(self.layout, self.front_end_name)

    @property
    def feature_kind(self) -> str:
        """What the layout of its features is called."""
        if self.front_end_name == "heygem" and self.layout.width == _HEYGEM_WIDTH:
            return "heygem-bnf-256"
        return f"wenet-bnf-{self.layout.width}"


def read_encoder(checkpoint: Checkpoint, settings: Settings) -> Encoder:
    """Reads an encoder.

    Raises:
        InputError: If it is of a variant that is not supported, or its configuration of another.
    """
    location = find_encoder(checkpoint.structure)
    if location is None:
        raise InputError(f"{checkpoint.path} holds no WeNet encoder; name a file that does.")
    state = checkpoint.structure.state(*location.path)
    check_origin(state)
    layout = read_layout(location.tensors(state))
    check_fits(settings, layout)
    settings.bands_of(layout)
    front_end = settings.front_end_of(layout, checkpoint.path.name)
    tensors = location.tensors(checkpoint.state(*location.path))
    return Encoder(layout, settings, front_end, tensors)
