"""WeNet encoders become models of speech windows that give the checkpoint's own numbers."""

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

import onnx
from rich.console import Console

from client.errors import InputError
from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.exporting import export
from export.families.wenet import FAMILY
from export.families.wenet.build import build
from export.families.wenet.encoder import Encoder, read_encoder
from export.families.wenet.frontend import HeyGemMel, KaldiFbank
from export.families.wenet.layout import find_encoder, read_layout
from export.families.wenet.network import Convolution
from export.families.wenet.settings import read_settings
from export.families.wenet.speech import speech_like
from export.families.wenet.window import Window, plan_of
from export.family import Network
from export.onnx_network import run_session, session
from export.request import Request
from export.spectrum import MelSpectrum, ShortTimeSpectrum, mel_filters
from export.steps import Steps
from export.structure import Structure, TensorInfo
from export.torch_network import TorchNetwork, run_torchscript
from orchestrator.speech.windows import feature_window, speech_windows
from tests.unit.export.golden_wenet import (
    GOLDEN,
    golden,
    recipe,
    small_state,
    wenet_checkpoint,
)
from tests.unit.export.test_export_spectrum import sweep

# Windows of 1 s between 0.4 s: enough for everything but a measure of the context.
SHORT: Mapping[str, object] = {"core_s": 1, "context_s": 0.4}
FRAMES, FEATURES = 203, 50

Change = Callable[[dict[str, Any]], object]


def feats() -> NDArray[np.float32]:
    """The input of the golden numbers."""
    array: NDArray[np.float32] = recipe().normal_input("feats", (1, FRAMES, 80))
    return array


def saved(path: Path, state: Mapping[str, Any]) -> Checkpoint:
    torch.save(dict(state), path)
    return Checkpoint.open(path)


def small(tmp_path: Path, change: Change = lambda state: None, **size: Any) -> Checkpoint:
    state = small_state(**size)
    change(state)
    return saved(tmp_path / "small.pt", state)


def encoder_of(checkpoint: Checkpoint, **config: object) -> Encoder:
    return read_encoder(checkpoint, read_settings(config))


def features_of(checkpoint: Checkpoint, **config: object) -> NDArray[np.float32]:
    """What the encoder makes of noise, without front end."""
    noise = np.random.default_rng(1).standard_normal((1, 83, 80)).astype(np.float32)
    found: NDArray[np.float32] = encoder_of(checkpoint, **config).core(20)(torch.from_numpy(noise))
    return np.asarray(found)


# --- the network ---------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [2, 12])
def test_the_network_gives_the_numbers_of_wenets_own_code(blocks: int, tmp_path: Path) -> None:
    expected = golden(f"A_wenet/golden_conformer_{blocks}.npz")
    checkpoint = Checkpoint.open(wenet_checkpoint(tmp_path / "wenetmodel.pt", blocks))
    found = encoder_of(checkpoint).core(FEATURES)(torch.from_numpy(feats())).numpy()
    later = encoder_of(checkpoint, norm_eps=1e-5).core(FEATURES)(torch.from_numpy(feats()))
    assert np.abs(found - expected["output"]).max() < 1e-5
    assert np.abs(later.numpy() - expected["output_eps1e5"]).max() < 1e-5


@pytest.mark.parametrize("blocks", [2, 12])
def test_the_written_network_gives_them_too(blocks: int, tmp_path: Path) -> None:
    expected = golden(f"A_wenet/golden_conformer_{blocks}.npz")["output"]
    checkpoint = Checkpoint.open(wenet_checkpoint(tmp_path / "wenetmodel.pt", blocks))
    inputs = [TensorSpec("feats", "FP32", (FRAMES, 80))]
    outputs = [TensorSpec("features", "FP32", (FEATURES, 256))]
    core = TorchNetwork(encoder_of(checkpoint).core(FEATURES), inputs, outputs)
    arrays = {"feats": feats()}
    core.write_onnx(tmp_path / "core.onnx", arrays)
    written = run_session(session(tmp_path / "core.onnx"), outputs, arrays)["features"]
    assert np.asarray(written, np.float32) == pytest.approx(expected, abs=1e-5)
    core.write_torchscript(tmp_path / "core.pt", arrays)
    written = run_torchscript(tmp_path / "core.pt", inputs, outputs, arrays)["features"]
    assert np.asarray(written, np.float32) == pytest.approx(expected, abs=1e-5)


def test_depth_width_and_heads_are_those_of_the_shapes(tmp_path: Path) -> None:
    location = find_encoder(small(tmp_path, blocks=3, kernel=9).structure)
    assert location is not None
    layout = read_layout(location.tensors(Structure.read(tmp_path / "small.pt").state()))
    assert (layout.blocks, layout.width, layout.heads, layout.hidden) == (3, 32, 4, 48)
    assert (layout.kernel, layout.mel_columns, layout.has_batch_norm) == (9, 19, True)


def add_old_layers(state: dict[str, Any]) -> None:
    for block in range(2):
        state[f"encoder.encoders.{block}.concat_linear.weight"] = torch.ones(32, 64)
        state[f"encoder.encoders.{block}.concat_linear.bias"] = torch.ones(32)


def add_table(state: dict[str, Any]) -> None:
    state["encoder.embed.pos_enc.pe"] = torch.ones(1, 5000, 32)


def add_counters(state: dict[str, Any]) -> None:
    state["encoder.encoders.0.conv_module.norm.num_batches_tracked"] = torch.tensor(3)


def add_heads(state: dict[str, Any]) -> None:
    state["ctc.ctc_lo.weight"] = torch.ones(8, 32)
    state["decoder.decoders.0.norm1.weight"] = torch.ones(32)


def renamed(prefix: str) -> Change:
    def change(state: dict[str, Any]) -> None:
        for key in list(state):
            state[prefix + key] = state.pop(key)

    return change


def without_prefix(state: dict[str, Any]) -> None:
    for key in list(state):
        state[key.removeprefix("encoder.")] = state.pop(key)


def wrapped(state: dict[str, Any]) -> None:
    state["state_dict"] = dict(state)
    for key in set(state) - {"state_dict"}:
        del state[key]


@pytest.mark.parametrize(
    "change",
    [
        add_old_layers,
        add_table,
        add_counters,
        add_heads,
        renamed("module."),
        without_prefix,
        wrapped,
    ],
)
def test_every_spelling_of_a_file_gives_the_same_numbers(change: Change, tmp_path: Path) -> None:
    expected = features_of(small(tmp_path))
    assert np.array_equal(features_of(small(tmp_path, change)), expected)


def test_a_torchscript_archive_of_the_encoder_has_the_same_numbers(tmp_path: Path) -> None:
    core = encoder_of(small(tmp_path)).core(20)
    noise = torch.randn(1, 83, 80, generator=torch.Generator().manual_seed(1))
    traced = torch.jit.trace(core, noise)
    traced.save(str(tmp_path / "encoder.zip"))
    again = features_of(Checkpoint.open(tmp_path / "encoder.zip"))
    assert np.array_equal(again, features_of(small(tmp_path)))


def test_the_epsilon_is_that_of_the_wenet_that_saved_the_file(tmp_path: Path) -> None:
    new = {"front_end": "kaldi"}
    assert encoder_of(small(tmp_path), **new).norm_eps == 1e-5
    assert encoder_of(small(tmp_path)).norm_eps == 1e-12
    assert encoder_of(small(tmp_path, add_old_layers), **new).norm_eps == 1e-12
    conf = {"encoder_conf": {"norm_eps": "1e-6"}}  # YAML gives a text for it
    assert encoder_of(small(tmp_path), **conf).norm_eps == 1e-6


def test_convolution_modules_may_have_a_layer_norm(tmp_path: Path) -> None:
    checkpoint = small(tmp_path, has_batch_norm=False)
    encoder = encoder_of(checkpoint, encoder_conf={"cnn_module_norm": "layer_norm"})
    module = encoder.core(20).encoders[0].conv_module
    found = module.norm(torch.randn(1, 32, 5, generator=torch.Generator().manual_seed(1)))
    plain = (found - module.norm.bias[:, None]) / module.norm.weight[:, None]
    assert torch.allclose(plain.mean(dim=1), torch.zeros(5), atol=1e-5)
    assert torch.allclose(plain.var(dim=1, unbiased=False), torch.ones(5), atol=1e-3)


def causal_module(tmp_path: Path, kernel: int = 7) -> Convolution:
    encoder = encoder_of(small(tmp_path, kernel=kernel), encoder_conf={"causal": True})
    module: Convolution = encoder.core(20).encoders[0].conv_module
    return module


@pytest.mark.parametrize("kernel", [7, 8])
def test_causal_convolutions_look_back_only(kernel: int, tmp_path: Path) -> None:
    module = causal_module(tmp_path, kernel)
    x = torch.randn(1, 20, 32, generator=torch.Generator().manual_seed(1))
    changed = x.clone()
    changed[:, 10:] += 1
    before, after = module(x), module(changed)
    assert before.shape == x.shape
    assert torch.equal(before[:, :10], after[:, :10])
    assert not torch.allclose(before[:, 10], after[:, 10])


def test_before_the_first_frame_causal_convolutions_see_the_gate_of_silence(
    tmp_path: Path,
) -> None:
    module = causal_module(tmp_path)
    zeros = torch.zeros(1, 20, 32)
    found = module(zeros)
    assert torch.allclose(found, found[:, -1:].expand_as(found), atol=1e-6)


# --- the front ends ------------------------------------------------------------------------------


def test_heygems_front_end_is_that_of_its_own_code() -> None:
    expected = golden("B_heygem_mel/golden_mel.npz")["mel_padded"]
    front_end = HeyGemMel(80)
    # HeyGem's frame 3 is centred at sample 480 of the padded recording.
    speech = np.pad(sweep(), 6400)[480 - front_end.lead :]
    found = front_end(torch.from_numpy(speech)[None])[0].numpy()
    assert np.abs(found - expected[3 : 3 + len(found)]).max() < 1e-3  # dB


def test_silence_is_minus_seventy() -> None:
    mel = HeyGemMel(80)(torch.zeros(1, 4000))
    assert torch.allclose(mel, torch.tensor(-70.0), atol=1e-5)


def test_wenets_front_end_takes_the_checkpoints_mean_and_deviation_off() -> None:
    speech = torch.from_numpy(speech_like(8000, 3))[None]
    plain = KaldiFbank(None)(speech)
    mean, inverse = torch.linspace(8, 12, 80), torch.linspace(0.2, 0.4, 80)
    assert torch.allclose(KaldiFbank((mean, inverse))(speech), (plain - mean) * inverse)


def test_digital_silence_has_the_floor_of_torchaudio() -> None:
    assert float(KaldiFbank(None)(torch.zeros(1, 800)).max()) == pytest.approx(np.log(2.0**-23))


def add_mean(state: dict[str, Any]) -> None:
    state["encoder.global_cmvn.mean"] = torch.full((80,), 10.0)
    state["encoder.global_cmvn.istd"] = torch.full((80,), 0.25)


def test_a_file_with_a_mean_is_wenets_and_any_other_heygems(tmp_path: Path) -> None:
    with_mean = small(tmp_path, add_mean)
    assert encoder_of(with_mean).front_end_name == "kaldi"
    assert float(encoder_of(with_mean).front_end.get_buffer("mean")[0]) == 10
    assert encoder_of(with_mean, front_end="heygem").front_end_name == "heygem"
    assert encoder_of(small(tmp_path)).front_end_name == "heygem"


def test_heygems_own_file_is_known_by_its_name_and_its_mean_left_out(tmp_path: Path) -> None:
    state = small_state()
    add_mean(state)
    checkpoint = saved(tmp_path / "wenetmodel.pt", state)
    assert encoder_of(checkpoint).front_end_name == "heygem"
    assert encoder_of(checkpoint, front_end="kaldi").front_end_name == "kaldi"


# --- windows -------------------------------------------------------------------------------------


def test_seven_frames_of_a_wenet_feature_lie_around_its_middle() -> None:
    window, front_end = Window(left=6400, core=16_000, right=6400), KaldiFbank(None)
    plan = plan_of(window, front_end)
    middle_frame = plan.first * 4 + 3
    centre = plan.offset + middle_frame * 160 + front_end.span / 2
    assert centre - window.left == 0.5 * 640


@pytest.mark.parametrize("front_end", [HeyGemMel(80), KaldiFbank(None)])
def test_all_frames_lie_inside_of_the_window(front_end: HeyGemMel | KaldiFbank) -> None:
    window = Window(left=6400, core=16_000, right=6400)
    plan = plan_of(window, front_end)
    assert plan.offset >= 0
    assert front_end(torch.zeros(1, window.length - plan.offset)).shape[1] == plan.mel_frames
    assert plan.first + plan.count <= plan.features
    assert plan.count == 25


def heygem_features(encoder: Encoder, speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """As HeyGem computes them: 0.4 s of silence around, frames centred from the first sample on."""
    padded = torch.from_numpy(np.pad(speech, 6400))[None]
    spectrum = ShortTimeSpectrum(n_fft=1024, hop=160, window=800, padding="zero", preemphasis=0.97)
    bands = mel_filters(sample_rate_hz=16_000, n_fft=1024, bands=80, low_hz=0, high_hz=8000)
    mel = 10 * torch.log10(MelSpectrum(spectrum, bands)(padded) + 1e-5) - 20
    frames = mel.transpose(1, 2)
    core = encoder.core(((frames.shape[1] - 1) // 2 - 1) // 2)
    return np.asarray(core(frames)[0])


def test_feature_j_is_heygems_number_j_plus_ten(tmp_path: Path) -> None:
    encoder, speech = encoder_of(small(tmp_path)), speech_like(64_000, 5)
    expected = heygem_features(encoder, speech)
    before, after = HeyGemMel.edge_samples
    whole = encoder.served(Window(before, len(speech), after))
    found = whole(torch.from_numpy(np.pad(speech, (before, after)))[None])[0].numpy()
    assert np.abs(found - expected[10 : 10 + len(found)]).max() < 1e-4

    frame = 40
    columns = feature_window(Track(found), Fraction(2 * frame + 1, 50), 20)
    centre = frame + 10  # HeyGem's c
    assert np.abs(columns - expected[centre - 10 : centre + 10].T).max() < 1e-4


def ran(network: Network, speech: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.asarray(network.run({"speech": speech})["features"], np.float32)


class Track:
    """The features of a recording, in memory."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        self.features = features

    def __len__(self) -> int:
        return len(self.features)

    def take(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.features[indices]


@pytest.mark.parametrize("front_end", ["heygem", "kaldi"])
def test_a_click_moves_the_features_of_its_own_time_most(front_end: str, tmp_path: Path) -> None:
    built = build(small(tmp_path), {**SHORT, "front_end": front_end})
    speech = built.examples(1)["speech"].copy()
    clicked = speech.copy()
    middle = 12
    at = 6400 + middle * 640 + 320
    clicked[:, at - 40 : at + 40] = 0.9
    difference = ran(built.served, clicked) - ran(built.served, speech)
    most = int(np.abs(difference[0]).mean(axis=1).argmax())
    assert abs(most - middle) <= 1


@pytest.mark.parametrize("front_end", ["heygem", "kaldi"])
def test_the_stated_deviation_is_that_of_the_pipelines_windows(
    front_end: str, tmp_path: Path
) -> None:
    checkpoint, config = small(tmp_path), {**SHORT, "front_end": front_end}
    built, encoder = build(checkpoint, config), encoder_of(checkpoint, **config)
    recording = speech_like(3 * 16_000, 20)
    before, after = encoder.front_end.edge_samples
    whole = encoder.served(Window(before, len(recording), after))
    expected = whole(torch.from_numpy(np.pad(recording, (before, after)))[None])[0].numpy()
    windows = list(speech_windows([recording], left_context=6400, core=16_000, right_context=6400))
    found = built.served.run({"speech": np.stack(windows)})["features"].reshape(-1, 32)
    difference = np.abs(found - expected)
    assert built.figures["window_deviation_max"] == pytest.approx(difference.max(), abs=1e-5)
    assert built.figures["window_deviation_mean"] == pytest.approx(difference.mean(), abs=1e-6)
    assert 0 < difference.max() < 1


def test_windows_of_two_seconds_of_context_stay_near_the_whole_run(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(wenet_checkpoint(tmp_path / "wenetmodel.pt", 12))
    figures = build(checkpoint, {}).figures
    assert figures["window_features_std"] == pytest.approx(1, abs=0.1)
    assert figures["window_deviation_mean"] < 0.03


# --- what is built -------------------------------------------------------------------------------


def test_the_model_says_what_it_takes_and_gives(tmp_path: Path) -> None:
    built = build(small(tmp_path), {})
    window = {
        "sample_rate": 16_000,
        "left_context": 32_000,
        "core": 80_000,
        "right_context": 32_000,
    }
    assert built.window == window
    assert list(built.served.inputs) == [TensorSpec("speech", "FP32", (144_000,))]
    assert list(built.served.outputs) == [TensorSpec("features", "FP32", (125, 32))]
    assert built.feature_kind == "wenet-bnf-32"
    assert "HeyGem" in built.summary
    assert "1,000 monthly users" in built.licence


def test_features_of_heygem_have_a_kind_of_their_own(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(wenet_checkpoint(tmp_path / "wenetmodel.pt", 2))
    assert build(checkpoint, SHORT).feature_kind == "heygem-bnf-256"
    kaldi = build(checkpoint, {**SHORT, "front_end": "kaldi"})
    assert kaldi.feature_kind == "wenet-bnf-256"


def test_rows_of_a_batch_do_not_know_each_other(tmp_path: Path) -> None:
    built = build(small(tmp_path), SHORT)
    rows = built.examples(3)["speech"]
    together = built.served.run({"speech": rows})["features"]
    alone = np.concatenate([built.served.run({"speech": row[None]})["features"] for row in rows])
    assert np.abs(together - alone).max() < 1e-5
    assert not np.array_equal(rows[0], rows[1])


@pytest.mark.parametrize("format_", ["onnx", "torchscript"])
def test_an_export_is_published_with_its_figures(format_: Any, tmp_path: Path) -> None:
    small(tmp_path, add_mean)
    config = tmp_path / "train.yaml"
    config.write_text("core_s: 1\ncontext_s: 0.4\n", encoding="utf-8")
    request = Request(
        family=FAMILY,
        checkpoint=tmp_path / "small.pt",
        config=config,
        format=format_,
        repository=tmp_path / "repository",
    )
    result = export(request, Steps(Console(quiet=True)))
    assert result.folder == tmp_path / "repository" / "heygem_wenet" / "1"
    manifest = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["feature_kind"] == "wenet-bnf-32"
    assert manifest["window"]["core"] == 16_000
    assert manifest["figures"]["window_deviation_max"] > 0
    assert max(f.difference for f in result.figures if f.part == "core") < 1e-4


def test_the_graph_has_operators_of_the_default_domain_only(tmp_path: Path) -> None:
    built = build(small(tmp_path), SHORT)
    built.served.write_onnx(tmp_path / "model.onnx", built.examples(2))  # type: ignore[attr-defined]
    model = onnx.load(tmp_path / "model.onnx")
    assert {node.domain for node in model.graph.node} == {""}
    assert model.opset_import[0].version == 17
    assert not {"STFT", "DFT", "If", "Loop"} & {node.op_type for node in model.graph.node}


# --- what is refused -----------------------------------------------------------------------------


def drop(*parts: str) -> Change:
    def change(state: dict[str, Any]) -> None:
        for key in [key for key in state if any(part in key for part in parts)]:
            del state[key]

    return change


def put(key: str, *shape: int) -> Change:
    return lambda state: state.update({f"encoder.{key}": torch.ones(shape)})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (put("encoders.0.norm1.weight", 32), "plain Transformer"),
        (drop("linear_pos", "pos_bias"), "abs_pos"),
        (drop("conv_module"), "no convolution module"),
        (drop("embed.conv"), "not convolutional"),
        (put("embed.conv.4.weight", 32, 32, 3, 3), "conv2d8"),
        (put("embed.conv.2.weight", 32, 32, 5, 5), "conv2d6"),
        (drop("encoders.1.feed_forward.w_2.bias"), r"encoders\.1\.feed_forward\.w_2\.bias is miss"),
        (put("encoders.1.feed_forward.gate.weight", 48, 32), "gate.weight is not known"),
        (put("encoders.1.self_attn.linear_k.weight", 8, 32), r"\[8, 32\] instead of \[32, 32\]"),
        (lambda state: state.update({"normalize.mean": torch.ones(80)}), "ESPnet"),
    ],
)
def test_other_encoders_are_refused_in_a_sentence(
    change: Change, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence):
        build(small(tmp_path, change), SHORT)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"frontend": "kaldi"}, "frontend is not known"),
        ({"front_end": "mfcc"}, "front_end cannot be used"),
        ({"core_s": 1.01}, r"core_s of 1\.01 s is no multiple"),
        ({"encoder_conf": {"cnn_module_norm": "layer_norm"}}, "checkpoint has a batch_norm"),
        ({"encoder_conf": {"activation_type": "gelu"}}, r"encoder_conf\.activation_type"),
        ({"encoder_conf": {"normalize_before": False}}, r"encoder_conf\.normalize_before"),
        ({"dataset_conf": {"resample_conf": {"resample_rate": 8000}}}, "resample_rate"),
        ({"input_dim": 40}, "does not fit 40 mel bands"),
        ({"front_end": "kaldi", "input_dim": 82}, "takes 82 mel bands"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    config: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence):
        build(small(tmp_path), {**SHORT, **config})


def test_an_even_convolution_is_causal_or_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="causal"):
        encoder_of(small(tmp_path, kernel=8))


def test_wenets_own_train_yaml_is_a_configuration(tmp_path: Path) -> None:
    conf = {"output_size": 32, "causal": True, "cnn_module_norm": "batch_norm", "dropout_rate": 0.1}
    train = {
        "accum_grad": 4,
        "encoder": "conformer",
        "encoder_conf": conf,
        "dataset_conf": {"fbank_conf": {"num_mel_bins": 80, "dither": 0.1}, "shuffle": True},
        "input_dim": 80,
    }
    encoder = encoder_of(small(tmp_path), **train)
    assert encoder.core(20).encoders[0].conv_module.past == 6
    assert encoder.front_end_name == "heygem"  # it says how an encoder was trained


# --- what is recognised --------------------------------------------------------------------------


def test_a_recogniser_is_recognised(tmp_path: Path) -> None:
    assert FAMILY.recognises(small(tmp_path).structure)
    assert FAMILY.recognises(small(tmp_path, without_prefix).structure)
    assert FAMILY.recognises(small(tmp_path, wrapped).structure)


def test_what_has_no_encoder_is_not(tmp_path: Path) -> None:
    assert not FAMILY.recognises(small(tmp_path, drop("embed")).structure)
    assert not FAMILY.recognises(small(tmp_path, drop("self_attn")).structure)


@pytest.mark.parametrize("name", ["C_heygem_dinetv1", "D_dinet_mrzzm", "E_wav2lip"])
def test_networks_of_other_families_are_not(name: str) -> None:
    manifests = sorted((GOLDEN / name).glob("manifest_*.json"))
    if not manifests:
        pytest.skip("the golden numbers are not there")
    tensors = json.loads(manifests[0].read_text(encoding="utf-8"))["tensors"]
    entries: dict[tuple[str, ...], object] = {
        (str(t["key"]),): TensorInfo(tuple(t["shape"]), t["dtype"]) for t in tensors
    }
    assert not FAMILY.recognises(Structure("state-dict", entries))
