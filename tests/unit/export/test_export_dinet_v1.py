"""HeyGem's landmark2face becomes a renderer of faces that gives the checkpoint's own numbers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import nn

from client.errors import InputError
from export.checkpoint import Checkpoint
from export.families.dinet import FAMILY as DINET
from export.families.dinet_v1 import FAMILY
from export.families.dinet_v1.build import build
from export.families.dinet_v1.masks import around_mouth, read_mask
from export.families.dinet_v1.served import ServedGenerator
from export.families.dinet_v1.settings import Settings
from export.family import Arrays, Build
from export.onnx_network import run_session, session
from export.structure import Structure, TensorInfo
from tests.unit.export.golden_dinet import (
    dinet_v1_checkpoint,
    dinet_v1_state,
)
from tests.unit.export.golden_wenet import GOLDEN, golden, recipe


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """HeyGem's file; of 392 MB, so that all tests share it."""
    folder = tmp_path_factory.mktemp("heygem")
    return Checkpoint.open(dinet_v1_checkpoint(folder / "dinet_v1_20240131.pth", wh=0.95))


@pytest.fixture(scope="module")
def built(checkpoint: Checkpoint) -> Build:
    return build(checkpoint, {})


def saved(tmp_path: Path, content: Mapping[str, Any]) -> Checkpoint:
    torch.save(dict(content), tmp_path / "file.pth")
    return Checkpoint.open(tmp_path / "file.pth")


# --- the network ---------------------------------------------------------------------------------


def golden_inputs() -> Arrays:
    make = recipe()
    source = make.smooth_image("source", (2, 3, 256, 256))
    source[:, :, 86:252, 37:218] = 0
    return {
        "source": source,
        "reference": make.smooth_image("ref", (2, 3, 256, 256)),
        "audio": make.normal_input("audio", (2, 256, 20), 0.2),
    }


def golden_difference(outputs: Mapping[str, NDArray[np.generic]], first: int = 0) -> float:
    """Largest difference of the rows from `first` on."""
    known = golden("C_heygem_dinetv1/golden_heygem_dinetv1.npz")
    drawn = np.asarray(outputs["drawn"], np.float32)
    differences = [
        np.abs(drawn[row : row + 1, :, ::step, ::step] - known[name]).max()
        for row, step, name in ((0, 1, "output_full_b0"), (1, 2, "output_b1_stride2"))
        if 0 <= row - first < len(drawn)
    ]
    return float(max(differences))


def test_the_network_gives_the_numbers_of_heygems_own_code(built: Build) -> None:
    assert golden_difference(built.core.run(golden_inputs())) < 1e-5


def test_the_written_network_gives_them_too_alone_and_together(
    built: Build, tmp_path: Path
) -> None:
    inputs = golden_inputs()
    built.core.write_onnx(tmp_path / "core.onnx", inputs)  # type: ignore[attr-defined]
    runs = session(tmp_path / "core.onnx")
    together = run_session(runs, built.core.outputs, inputs)
    alone = {name: array[:1] for name, array in inputs.items()}
    assert golden_difference(together) < 1e-5
    assert golden_difference(run_session(runs, built.core.outputs, alone)) < 1e-5


# --- what is served ------------------------------------------------------------------------------


def test_what_the_file_says_is_declared(built: Build) -> None:
    shapes = {spec.name: spec.shape for spec in (*built.served.inputs, *built.served.outputs)}
    assert shapes == {"face": (256, 256, 3), "features": (256, 20), "generated": (256, 256, 3)}
    assert built.feature_kind == "heygem-bnf-256"
    assert built.crop == {"kind": "heygem-v1", "wh": 0.95}
    assert built.paste == {"mode": "landmark-hull"}
    assert "1,000 monthly users" in built.licence


def test_a_face_without_its_mouth_is_redrawn_in_whole_levels(built: Build) -> None:
    face, features = (np.asarray(array[:1]) for array in built.examples(1).values())
    whole = face.transpose(0, 3, 1, 2).astype(np.float32) / 255
    source = whole.copy()
    source[:, :, 86:252, 37:218] = 0
    drawn = built.core.run({"source": source, "reference": whole, "audio": features})["drawn"]
    expected = np.rint(np.asarray(drawn, np.float32) * 255).transpose(0, 2, 3, 1)
    found = built.served.run({"face": face, "features": features})["generated"]
    assert found.dtype == np.uint8
    assert np.abs(np.asarray(found, np.float32) - expected).max() <= 1


class Recorder(nn.Module):  # type: ignore[misc]
    """Gives its source, and keeps what it got."""

    def forward(self, source: Any, reference: Any, audio: Any) -> Any:
        self.got = source, reference, audio
        return source


def test_both_masks_are_laid_over_the_face() -> None:
    source_mask, lent = np.zeros((2, 256, 256), np.float32)
    source_mask[:, :100], lent[50:] = 1, 0.5
    recorder = Recorder()
    served = ServedGenerator(recorder, source_mask, lent)
    generated = served(
        torch.full((2, 256, 256, 3), 255, dtype=torch.uint8), torch.zeros(2, 256, 20)
    )
    assert np.array_equal(recorder.got[0][1, 2].numpy(), source_mask)
    assert np.array_equal(recorder.got[1][1, 2].numpy(), lent)
    assert np.array_equal(generated[1, :, :, 0].numpy(), 255 * source_mask)


# --- masks ---------------------------------------------------------------------------------------


def stripes(dtype: Any, high: float) -> NDArray[Any]:
    mask = np.zeros((256, 256), dtype)
    mask[::2] = high
    return mask


@pytest.mark.parametrize(
    "mask",
    [
        stripes(np.float64, 1),
        stripes(np.float32, 255),
        stripes(np.uint8, 255),
        stripes(np.uint8, 1),
        stripes(np.bool_, 1),
        stripes(np.float64, 1)[:, :, None],
        torch.from_numpy(stripes(np.float32, 1)),
    ],
)
def test_masks_are_shares_however_they_were_saved(mask: Any, tmp_path: Path) -> None:
    found = read_mask(saved(tmp_path, {"input_mask": mask}), "input_mask", around_mouth())
    assert found.dtype == np.float32
    assert np.array_equal(found, stripes(np.float32, 1))


@pytest.mark.parametrize("content", [{"wh": 0.97}, {"input_mask": None}])
def test_a_file_without_masks_hides_the_usual_rectangle(
    content: dict[str, Any], tmp_path: Path
) -> None:
    found = read_mask(saved(tmp_path, content), "input_mask", around_mouth())
    hidden = np.argwhere(found == 0)
    assert hidden.min(axis=0).tolist() == [86, 37]
    assert hidden.max(axis=0).tolist() == [251, 217]
    assert len(hidden) == 166 * 181
    assert set(np.unique(found)) == {0, 1}


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (
            np.ones((128, 128)),
            r"input_mask of .* is float64 \[128, 128\], and numbers \[256, 256\]",
        ),
        (np.ones((256, 256, 3)), r"is float64 \[256, 256, 3\]"),
        (np.full((256, 256), -1.0), "has numbers outside"),
        (np.full((256, 256), 256), "has numbers outside"),
        (np.full((256, 256), np.nan), "has numbers outside"),
    ],
)
def test_masks_that_are_none_are_refused(mask: Any, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=sentence):
        read_mask(saved(tmp_path, {"input_mask": mask}), "input_mask", around_mouth())


# --- proportion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "config", "expected"),
    [
        ({"wh": 0.9}, None, 0.9),
        ({"wh": np.float64(0.9)}, None, 0.9),
        ({"wh": 0.9}, 0.8, 0.8),
        ({"nblend": True}, None, 0.97),
    ],
)
def test_the_proportion_is_configured_or_the_files(
    content: dict[str, Any], config: float | None, expected: float, tmp_path: Path
) -> None:
    assert Settings(wh=config).wh_of(saved(tmp_path, content)) == expected


@pytest.mark.parametrize("wh", [0.0, -1.0, float("nan"), float("inf"), "wide"])
def test_a_proportion_that_is_none_is_refused(wh: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="width of faces over their height is wanted"):
        Settings().wh_of(saved(tmp_path, {"wh": wh}))


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"model_name": "dinet_512"}, "HeyGem's network 'dinet_512', of which only dinet_v1"),
        ({"model_name": "dinet_ref_9channel_encode"}, "'dinet_ref_9channel_encode'"),
        ({"model_input_size": [512, 512]}, r"pictures of \[512, 512\], and only 256x256"),
        ({}, r"source_in_conv\.0\.0\.conv\.weight is missing"),
    ],
)
def test_other_networks_of_heygem_are_refused_by_name(
    content: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    other = saved(tmp_path, {"face_G": {"conv.weight": torch.ones(2, 2)}, **content})
    assert FAMILY.recognises(other.structure)
    with pytest.raises(InputError, match=sentence):
        build(other, {})


def test_an_unknown_key_of_the_configuration_is_refused(checkpoint: Checkpoint) -> None:
    with pytest.raises(InputError, match="mask in the file of --config cannot be used"):
        build(checkpoint, {"mask": "none"})


# --- what is recognised --------------------------------------------------------------------------


def test_heygems_file_is_recognised_and_is_no_dinet(checkpoint: Checkpoint) -> None:
    assert FAMILY.recognises(checkpoint.structure)
    assert not DINET.recognises(checkpoint.structure)


def test_a_state_dict_by_itself_is_taken_with_or_without_its_prefix(tmp_path: Path) -> None:
    state = {f"module.{key}": torch.from_numpy(np.array(v)) for key, v in dinet_v1_state().items()}
    bare = saved(tmp_path, state)
    assert FAMILY.recognises(bare.structure)
    assert not DINET.recognises(bare.structure)
    assert build(bare, {}).crop == {"kind": "heygem-v1", "wh": 0.97}


@pytest.mark.parametrize("name", ["A_wenet", "D_dinet_mrzzm", "E_wav2lip"])
def test_networks_of_other_families_are_not(name: str) -> None:
    manifests = sorted((GOLDEN / name).glob("manifest_*.json"))
    if not manifests:
        pytest.skip("the golden numbers are not there")
    tensors = json.loads(manifests[0].read_text(encoding="utf-8"))["tensors"]
    for above in ((), ("state_dict",), ("state_dict", "net_g")):
        entries: dict[tuple[str, ...], object] = {
            (*above, str(t["key"])): TensorInfo(tuple(t["shape"]), t["dtype"]) for t in tensors
        }
        assert not FAMILY.recognises(Structure("state-dict", entries))
