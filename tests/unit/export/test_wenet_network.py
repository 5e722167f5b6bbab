"""The encoder's network against the exported graph and the published WeNet checkpoints."""

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

torch = pytest.importorskip("torch")

from export.builtin.wenet.frontend import LogMel
from export.builtin.wenet.model import WINDOW_SAMPLES, SpeechEncoder
from export.builtin.wenet.network import (
    FULL,
    ConformerEncoder,
    RelPositionMultiHeadedAttention,
    Size,
    banded,
)

VERSIONS = Path(__file__).parents[3] / "model_repository" / "wenet"
SIZES = {1: Size(blocks=4, embed_channels=128, span=None), 2: Size()}
SAID = slice(0, 30)  # features that heads give as they are: phones, voicing, and the level

EMBED_NAMES = r"embed\.(conv\.[02]|out\.0)\.(weight|bias)"
BLOCK_NAMES = r"encoders\.(\d+)\.(" + "|".join(
    [
        r"self_attn\.pos_bias_[uv]",
        r"self_attn\.linear_([qkv]|out)\.(weight|bias)",
        r"self_attn\.linear_pos\.weight",
        r"feed_forward(_macaron)?\.w_[12]\.(weight|bias)",
        r"conv_module\.(pointwise_conv[12]|depthwise_conv|norm)\.(weight|bias)",
        r"conv_module\.norm\.(running_mean|running_var|num_batches_tracked)",
        r"norm_(ff|mha|ff_macaron|conv|final)\.(weight|bias)",
    ]
) + ")"  # fmt: skip
TENSORS_IN_A_BLOCK = 40  # those above; `concat_linear` of the oldest checkpoints is unused


def rebuilt(version: int) -> SpeechEncoder:
    """Builds the network from nothing but the initializers of a committed graph."""
    graph = onnx.load(VERSIONS / str(version) / "model.onnx").graph
    weights = {
        item.name: torch.from_numpy(numpy_helper.to_array(item).copy())
        for item in graph.initializer
    }
    model = SpeechEncoder(SIZES[version])
    wanted = model.state_dict()
    model.load_state_dict({name: weights.get(name, wanted[name]) for name in wanted})
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    newer = {name for name in wanted if name.startswith(("closure_head.", "mouth_head."))}
    assert wanted.keys() - weights.keys() <= counters | (newer if version == 1 else set())
    model.eval()
    return model


@pytest.mark.parametrize(("version", "columns"), [(1, SAID), (2, slice(None))])
def test_the_network_rebuilt_from_the_graph_gives_the_same_features(
    version: int, columns: slice
) -> None:
    """Version 1 shaped the mouth by other heads, which are not kept."""
    speech = np.random.default_rng(0).normal(0, 0.1, (2, WINDOW_SAMPLES)).astype(np.float32)
    with torch.no_grad():
        expected = rebuilt(version)(torch.from_numpy(speech)).numpy()
    session = onnxruntime.InferenceSession(VERSIONS / str(version) / "model.onnx")
    (found,) = session.run(None, {"speech": speech})
    np.testing.assert_allclose(found[..., columns], expected[..., columns], rtol=0, atol=1e-3)


def test_a_full_size_encoder_has_the_names_of_published_checkpoints() -> None:
    names = set(ConformerEncoder(FULL, 10).state_dict())
    blocks = {name for name in names if re.fullmatch(BLOCK_NAMES, name)}
    embedding = {name for name in names if re.fullmatch(EMBED_NAMES, name)}
    assert len(blocks) == FULL.blocks * TENSORS_IN_A_BLOCK
    assert len(embedding) == 6
    assert names - blocks - embedding == {
        "after_norm.weight",
        "after_norm.bias",
        "global_cmvn.mean",
        "global_cmvn.istd",
    }


def test_a_full_size_encoder_has_the_shapes_of_published_checkpoints() -> None:
    state = ConformerEncoder(FULL, 10).state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    assert shapes["embed.out.0.weight"] == (256, 4864)
    assert shapes["encoders.11.feed_forward.w_1.weight"] == (2048, 256)
    assert shapes["encoders.0.self_attn.pos_bias_u"] == (4, 64)
    assert shapes["encoders.0.conv_module.depthwise_conv.weight"] == (256, 1, 15)


def test_position_scores_are_not_shifted_without_a_span() -> None:
    """Swapping two keys and their positions changes nothing, for every query."""
    size = Size(width=8, heads=2, feed_forward=8, blocks=1, span=None)
    attention = RelPositionMultiHeadedAttention(size)
    x, positions = torch.randn(1, 4, 8), torch.randn(1, 4, 8)
    order = [1, 0, 2, 3]
    swapped = attention(x[:, order], positions[:, order])
    np.testing.assert_allclose(
        swapped[:, order].detach(), attention(x, positions).detach(), atol=1e-6
    )


def test_scores_of_distances_lie_along_the_diagonal() -> None:
    length, span = 6, 2
    scores = torch.randn(2, 3, length, 2 * span + 1)
    laid = banded(scores, span)
    assert laid.shape == (2, 3, length, length)
    for query in range(length):
        for key in range(length):
            distance = key - query
            if abs(distance) <= span:
                assert torch.equal(laid[..., query, key], scores[..., query, span + distance])
            else:
                assert (laid[..., query, key] <= -1e4).all()


def test_nothing_outside_the_span_is_heard() -> None:
    attention = RelPositionMultiHeadedAttention(Size(width=8, heads=2, span=3))
    x, positions = torch.randn(1, 20, 8), torch.randn(1, 7, 8)
    changed = x.clone()
    changed[:, 14:] = torch.randn(1, 6, 8)
    before, after = attention(x, positions), attention(changed, positions)
    assert torch.equal(before[:, :11], after[:, :11])
    assert not torch.equal(before[:, 11:14], after[:, 11:14])


def test_what_is_said_later_is_heard_the_same() -> None:
    """Only what the edges of the window reach differs."""
    torch.manual_seed(0)
    size = Size(width=16, heads=2, feed_forward=16, blocks=1, embed_channels=4, span=3)
    outputs = 40
    encoder = ConformerEncoder(size, outputs).eval()
    mel = torch.randn(1, 4 * outputs + 3 + 4, 80)
    reach = size.kernel // 2 + (size.span or 0)
    with torch.no_grad():
        early, late = encoder(mel[:, :-4]), encoder(mel[:, 4:])
    apart = (early[:, 1:] - late[:, :-1]).abs().amax(dim=(0, 2))
    assert apart[reach : -reach - 1].max() < 1e-5
    assert apart[0] > 1e-3


def test_log_mel_is_a_fourier_transform_of_windowed_frames() -> None:
    """Follows Kaldi step by step for one frame, where the front end has one matrix."""
    frame = np.random.default_rng(1).normal(0, 0.1, 400) + 0.05
    centred = frame * 32768 - (frame * 32768).mean()
    emphasised = centred - 0.97 * np.concatenate([centred[:1], centred[:-1]])
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    power = np.abs(np.fft.rfft(emphasised * window, 512)) ** 2
    mel = LogMel()
    expected = np.log(power[:256] @ mel.mel.numpy())
    found = mel(torch.from_numpy(frame.astype(np.float32))[None])[0, 0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_digital_silence_is_the_floor_of_the_log_mel() -> None:
    assert not LogMel()(torch.zeros(1, 4000)).any()
