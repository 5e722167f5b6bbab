"""DINet checkpoints become renderers of square crops that give the checkpoint's own numbers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

import onnx
from rich.console import Console
from torch import nn
from torch.nn import functional

from client.errors import InputError
from export.checkpoint import Checkpoint
from export.exporting import export
from export.families.dinet import FAMILY
from export.families.dinet.adaat import AdaAT
from export.families.dinet.blocks import AudioEncoder
from export.families.dinet.build import build
from export.families.dinet.geometry import Geometry
from export.families.dinet.network import Generator
from export.families.dinet.served import ServedGenerator
from export.family import Arrays, Build
from export.onnx_network import run_session, session
from export.request import Request
from export.steps import Steps
from export.structure import Structure, TensorInfo
from tests.unit.export.golden_dinet import dinet_checkpoint
from tests.unit.export.golden_wenet import GOLDEN, golden, recipe

# Of DINet's first stage of training: a sixteenth of the pixels.
SMALL: Mapping[str, object] = {"mouth_region_size": 64}

Change = Callable[[dict[str, Any]], object]


def published(tmp_path: Path) -> Build:
    return build(Checkpoint.open(dinet_checkpoint(tmp_path / "dinet.pth")), {})


def golden_inputs() -> Arrays:
    make = recipe()
    source = make.smooth_image("source", (1, 3, 416, 320))
    source[:, :, 128:384, 32:288] = 0
    return {
        "source": source,
        "reference": make.smooth_image("ref", (1, 15, 416, 320)),
        "audio": make.normal_input("audio", (1, 29, 5)),
    }


def golden_difference(outputs: Mapping[str, NDArray[np.generic]]) -> float:
    """Largest difference of all rows from the one that is known, where it is known."""
    expected = golden("D_dinet_mrzzm/golden_dinet_mrzzm.npz")["output_stride2"]
    drawn = np.asarray(outputs["drawn"], np.float32)
    return float(np.abs(drawn[:, :, ::2, ::2] - expected).max())


def repeated(arrays: Arrays, times: int) -> Arrays:
    return {name: array.repeat(times, 0) for name, array in arrays.items()}


def random_state(references: int = 2, width: int = 29) -> dict[str, Any]:
    """A state dict of the generator with weights that let pictures and speech show."""
    noise = torch.Generator().manual_seed(5)
    state = Generator(references, width, (104, 80)).state_dict()
    return {key: _weight(key, tensor, noise) for key, tensor in state.items()}


def _weight(key: str, like: Any, noise: Any) -> Any:
    if not like.is_floating_point():
        return like
    z = torch.randn(like.shape, generator=noise)
    if key.endswith("running_var"):
        return 0.5 + z.abs()
    if like.dim() == 1:
        return 0.1 * z + float(key.endswith("weight"))
    return 1.15 * z / like[0].numel() ** 0.5


def saved(path: Path, state: Mapping[str, Any]) -> Checkpoint:
    torch.save(dict(state), path)
    return Checkpoint.open(path)


def small(tmp_path: Path, change: Change = lambda state: None, **size: int) -> Checkpoint:
    state = random_state(**size)
    change(state)
    return saved(tmp_path / "small.pth", state)


# --- the network ---------------------------------------------------------------------------------


def test_the_network_gives_the_numbers_of_dinets_own_code(tmp_path: Path) -> None:
    assert golden_difference(published(tmp_path).core.run(golden_inputs())) < 1e-5


def test_the_written_network_gives_them_too_in_any_batch(tmp_path: Path) -> None:
    core = published(tmp_path).core
    core.write_onnx(tmp_path / "core.onnx", repeated(golden_inputs(), 2))  # type: ignore[attr-defined]
    runs = session(tmp_path / "core.onnx")
    for batch in (1, 2):
        outputs = run_session(runs, core.outputs, repeated(golden_inputs(), batch))
        assert golden_difference(outputs) < 1e-5


def test_channels_are_sampled_as_the_volume_that_they_were_in_the_original() -> None:
    torch.manual_seed(1)
    transform, features = AdaAT(16, 12, (9, 7)), torch.randn(3, 12, 9, 7)
    seen, heard = torch.randn(3, 8), torch.randn(3, 8)
    with torch.no_grad():
        found = transform(features, seen, heard)
        expected = _sampled_in_space(transform, features, torch.cat([seen, heard], 1))
    assert float((found - expected).abs().max()) < 1e-5


def _sampled_in_space(transform: AdaAT, features: Any, code: Any) -> Any:
    """The original's way: one `grid_sample` over five axes."""
    batch, depth, height, width = features.shape
    hidden = transform.commn_linear(code)
    scale = (2 * transform.scale(hidden))[..., None, None]
    angle = (3.14159 * transform.rotation(hidden))[..., None, None]
    shift = transform.translation(hidden).reshape(batch, depth, 2, 1, 1)
    x = (2 * torch.arange(width) / (width - 1) - 1)[None, None, None, :]
    y = (2 * torch.arange(height) / (height - 1) - 1)[None, None, :, None]
    z = (2 * torch.arange(depth) / (depth - 1) - 1)[None, :, None, None]
    columns = scale * (angle.cos() * x - angle.sin() * y) + shift[:, :, 0]
    rows = scale * (angle.sin() * x + angle.cos() * y) + shift[:, :, 1]
    grid = torch.stack([columns, rows, z.expand_as(rows)], -1)
    return functional.grid_sample(features[:, None], grid, align_corners=False)[:, 0]


def test_the_graph_has_operators_of_the_default_domain_only(tmp_path: Path) -> None:
    built = build(small(tmp_path), SMALL)
    built.served.write_onnx(tmp_path / "model.onnx", built.examples(2))  # type: ignore[attr-defined]
    model = onnx.load(tmp_path / "model.onnx")
    assert {node.domain for node in model.graph.node} == {""}
    assert (model.opset_import[0].version, model.ir_version <= 9) == (17, True)
    (sampling,) = (node for node in model.graph.node if node.op_type == "GridSample")
    chosen = {
        attribute.name: onnx.helper.get_attribute_value(attribute)
        for attribute in sampling.attribute
    }
    assert chosen == {"mode": b"bilinear", "padding_mode": b"zeros", "align_corners": 0}


# --- float16 -------------------------------------------------------------------------------------


def test_speech_and_positions_are_computed_in_float32_in_a_network_of_halves() -> None:
    torch.manual_seed(2)
    transform, encoder = AdaAT(8, 6, (5, 5)), AudioEncoder(29, 4)
    features, codes = torch.randn(1, 6, 5, 5).half(), (torch.randn(1, 4), torch.randn(1, 4))
    speech = torch.randn(1, 29, 5)
    with torch.no_grad():
        expected = transform(features.float(), *codes), encoder.eval()(speech)
        both = torch.nn.ModuleList([transform, encoder]).half()
        found = both[0](features, *codes), both[1](speech)
    assert found[0].dtype == torch.float16
    assert torch.equal(found[0], expected[0].half())
    assert torch.equal(found[1], expected[1])


def test_what_stays_in_float32_is_moved_with_the_rest() -> None:
    moved = torch.nn.ModuleList([AdaAT(8, 6, (5, 5)), torch.nn.Linear(2, 2)]).to("meta")
    assert {tensor.device.type for tensor in (*moved.parameters(), *moved.buffers())} == {"meta"}


# --- what is served ------------------------------------------------------------------------------


class Recorder(nn.Module):  # type: ignore[misc]
    """Gives white pictures, and keeps what it got."""

    def forward(self, source: Any, reference: Any, audio: Any) -> Any:
        self.got = source, reference, audio
        return torch.ones_like(source)


def served(geometry: Geometry, face: Any, reference: Any) -> tuple[Any, Any, Recorder]:
    recorder = Recorder()
    module = ServedGenerator(recorder, geometry)
    generated, mask = module(face, reference, torch.zeros(len(face), 29, 5))
    return generated.numpy(), mask.numpy(), recorder


def test_the_network_sees_the_middle_columns_and_no_mouth() -> None:
    face = torch.full((1, 416, 416, 3), 51, dtype=torch.uint8)
    source = served(Geometry(256), face, face[:, None].repeat(1, 5, 1, 1, 1))[2].got[0]
    expected = np.full((1, 3, 416, 320), 0.2, np.float32)
    expected[:, :, 128:384, 32:288] = 0
    assert source.numpy() == pytest.approx(expected)


def test_references_are_whole_and_lie_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 256, (2, 5, 416, 416, 3)).astype(np.uint8)
    got = served(
        Geometry(256), torch.zeros(2, 416, 416, 3, dtype=torch.uint8), torch.from_numpy(reference)
    )[2].got[1]
    assert got.shape == (2, 15, 416, 320)
    fourth = reference[1, 3, :, 48:368].transpose(2, 0, 1) / np.float32(255)
    assert np.array_equal(got[1, 9:12].numpy(), fourth)


def test_outer_columns_are_those_of_the_face() -> None:
    rng = np.random.default_rng(0)
    face = rng.integers(0, 255, (2, 416, 416, 3)).astype(np.uint8)
    lent = torch.zeros(2, 5, 416, 416, 3, dtype=torch.uint8)
    generated = served(Geometry(256), torch.from_numpy(face), lent)[0]
    assert np.array_equal(generated[:, :, :48], face[:, :, :48])
    assert np.array_equal(generated[:, :, 368:], face[:, :, 368:])
    assert (generated[:, :, 48:368] == 255).all()


def test_the_mask_is_the_mouth_with_a_soft_border_inside() -> None:
    face = torch.zeros(2, 416, 416, 3, dtype=torch.uint8)
    mask = served(Geometry(256), face, face[:, None].repeat(1, 5, 1, 1, 1))[1]
    assert (mask.shape, mask.dtype) == ((2, 416, 416, 1), np.uint8)
    rows, columns = np.nonzero(mask[0, :, :, 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (128, 383, 80, 335)
    assert (mask[:, 144:368, 96:320] == 255).all()
    assert (np.diff(mask[0, 128:145, 208, 0].astype(int)) > 0).sum() >= 14
    assert np.array_equal(mask[1], mask[0])


def test_the_smaller_stages_of_training_are_a_setting(tmp_path: Path) -> None:
    built = build(small(tmp_path), SMALL)
    shapes = {spec.name: spec.shape for spec in (*built.served.inputs, *built.served.outputs)}
    assert shapes["face"] == shapes["generated"] == (104, 104, 3)
    assert shapes["mask"] == (104, 104, 1)
    assert built.core.inputs[0].shape == (3, 104, 80)


def test_references_and_width_of_speech_are_those_of_the_shapes(tmp_path: Path) -> None:
    checkpoint = small(tmp_path, references=3, width=40)
    built = build(checkpoint, {**SMALL, "feature_kind": "hubert-40"})
    shapes = {spec.name: spec.shape for spec in built.served.inputs}
    assert shapes["reference"] == (3, 104, 104, 3)
    assert shapes["features"] == (40, 5)
    assert built.feature_kind == "hubert-40"


@pytest.mark.parametrize("format_", ["onnx", "torchscript"])
def test_an_export_is_published_with_its_figures(format_: Any, tmp_path: Path) -> None:
    small(tmp_path)
    config = tmp_path / "dinet.yaml"
    config.write_text("mouth_region_size: 64\n", encoding="utf-8")
    request = Request(
        family=FAMILY,
        checkpoint=tmp_path / "small.pth",
        config=config,
        format=format_,
        repository=tmp_path / "repository",
    )
    result = export(request, Steps(Console(quiet=True)))
    assert result.folder == tmp_path / "repository" / "dinet_landmark2face" / "1"
    manifest = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["feature_kind"] == "deepspeech-29"
    assert manifest["crop"] == {"kind": "dinet-mrzzm-v1"}
    assert manifest["paste"] == {"mode": "mask"}
    assert "without a licence" in manifest["licence"]
    core = {f.what: f.difference for f in result.figures if f.part == "core"}
    assert set(core) == {"batch 1", "batch 5", "rows of 5"}
    assert max(core.values()) < 1e-5


# --- what is refused -----------------------------------------------------------------------------


def drop(key: str) -> Change:
    return lambda state: state.pop(key)


def put(key: str, *shape: int) -> Change:
    return lambda state: state.update({key: torch.ones(shape)})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop("adaAT.scale.0.bias"), r"adaAT\.scale\.0\.bias is missing"),
        (put("out_conv.7.weight", 3, 3), r"out_conv\.7\.weight is not known"),
        (put("trans_conv.1.conv.weight", 128, 128, 7, 7), r"7, 7\] instead of \[128, 128, 11, 11"),
        (put("ref_in_conv.0.conv.weight", 64, 16, 7, 7), "have 16 channels, which are no RGB"),
    ],
)
def test_other_generators_are_refused_in_a_sentence(
    change: Change, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence):
        build(small(tmp_path, change), SMALL)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"mouth_region_size": 96}, "mouth_region_size in the file of --config cannot be used"),
        ({"mouth": 64}, "mouth in the file of --config cannot be used"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(
    config: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence):
        build(small(tmp_path), config)


def test_speech_of_another_width_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="features 40 wide, not the 29 of DeepSpeech"):
        build(small(tmp_path, width=40), SMALL)


# --- what is recognised --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: state,
        lambda state: {"net_g": state},
        lambda state: {"state_dict": state},
        lambda state: {"state_dict": {"net_g": {f"module.{k}": v for k, v in state.items()}}},
    ],
)
def test_a_generator_is_recognised_however_it_was_saved(
    wrapped: Callable[[dict[str, Any]], dict[str, Any]], tmp_path: Path
) -> None:
    checkpoint = saved(tmp_path / "wrapped.pth", wrapped(random_state()))
    assert FAMILY.recognises(checkpoint.structure)
    assert build(checkpoint, SMALL).served.inputs[1].shape == (2, 104, 104, 3)


@pytest.mark.parametrize("name", ["A_wenet", "C_heygem_dinetv1", "E_wav2lip"])
def test_networks_of_other_families_are_not(name: str) -> None:
    manifests = sorted((GOLDEN / name).glob("manifest_*.json"))
    if not manifests:
        pytest.skip("the golden numbers are not there")
    tensors = json.loads(manifests[0].read_text(encoding="utf-8"))["tensors"]
    for above in ((), ("state_dict",), ("face_G",)):
        entries: dict[tuple[str, ...], object] = {
            (*above, str(t["key"])): TensorInfo(tuple(t["shape"]), t["dtype"]) for t in tensors
        }
        assert not FAMILY.recognises(Structure("state-dict", entries))
