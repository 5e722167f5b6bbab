"""Builds a WeNet encoder: waveform in, features out, at any depth and width.

The `--config` file may have the keys `front_end` (heygem or kaldi), `norm_eps`, `core_s` and
`context_s`, or be WeNet's own train.yaml, with such keys added or not; see `settings`. Without one,
a checkpoint with a mean of its mel bands (`global_cmvn`) gets WeNet's front end, others HeyGem's. A
file called wenetmodel.pt gets HeyGem's, too: HeyGem calls its encoder so, and leaves the mean out.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.families.wenet.deviation import window_deviation
from export.families.wenet.encoder import Encoder, read_encoder
from export.families.wenet.frontend import SAMPLE_RATE_HZ
from export.families.wenet.served import SpeechFeatures
from export.families.wenet.settings import read_settings
from export.families.wenet.speech import speech_like
from export.families.wenet.window import Window, plan_of, window_of
from export.family import Arrays, Build
from export.torch_network import TorchNetwork

LICENCE = (
    "The weights belong to whoever trained them: ask for their licence. WeNet's code is "
    "Apache-2.0; HeyGem's weights (Duix) need a commercial licence above 1,000 monthly users."
)

_NAMES = {"heygem": "HeyGem's front end", "kaldi": "WeNet's front end (Kaldi fbank)"}


def build(checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
    """Builds the served model.

    Args:
        checkpoint: State dict of a recogniser or of its encoder, or a TorchScript archive of it.
        config: See the module.

    Raises:
        InputError: If the encoder or the configuration is of a variant that is not supported.
    """
    encoder = read_encoder(checkpoint, read_settings(config))
    window = window_of(encoder.settings.core_s, encoder.settings.context_s)
    plan, served = plan_of(window, encoder.front_end), encoder.served(window)
    width, bands = encoder.layout.width, encoder.settings.bands_of(encoder.layout)
    features = TensorSpec("features", "FP32", (plan.count, width))
    return Build(
        served=TorchNetwork(served, [TensorSpec("speech", "FP32", (window.length,))], [features]),
        core=TorchNetwork(
            served.core,
            [TensorSpec("feats", "FP32", (plan.mel_frames, bands))],
            [TensorSpec("features", "FP32", (plan.features, width))],
        ),
        examples=_speech(window),
        core_examples=_mel(served, window),
        source="a WeNet checkpoint of its user",
        licence=LICENCE,
        summary=_summary(encoder),
        feature_kind=encoder.feature_kind,
        window=_declared(window),
        parameters={
            "norm_eps": encoder.settings.norm_eps_of(encoder.layout, encoder.front_end_name)
        },
        figures=window_deviation(encoder.served, window, encoder.front_end.edge_samples),
    )


def _speech(window: Window) -> Callable[[int], Arrays]:
    def examples(batch: int) -> Arrays:
        return {"speech": np.stack([speech_like(window.length, seed) for seed in range(batch)])}

    return examples


def _mel(served: SpeechFeatures, window: Window) -> Callable[[int], Arrays]:
    def examples(batch: int) -> Arrays:
        speech = np.asarray(_speech(window)(batch)["speech"])
        with torch.no_grad():
            return {"feats": served.mel(torch.from_numpy(speech)).numpy()}

    return examples


def _declared(window: Window) -> dict[str, int]:
    return {
        "sample_rate": SAMPLE_RATE_HZ,
        "left_context": window.left,
        "core": window.core,
        "right_context": window.right,
    }


def _summary(encoder: Encoder) -> str:
    layout = encoder.layout
    return (
        f"A WeNet Conformer encoder of {layout.blocks} blocks, {layout.width} wide, behind "
        f"{_NAMES[encoder.front_end_name]}."
    )
