"""Adopting: a finished model that keeps a contract is published as the bytes that it has."""

import asyncio
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper

from export.__main__ import EXIT_ERROR, main
from orchestrator.validation.examine import examine
from tests.unit.export import toy_family

CONFIG = """\
licence: CC0-1.0
source: a toy
feature_kind: toy-6
crop: {kind: eyes-mouth-v1, wh: 0.97}
paste: {mode: feather, soft: 0.1}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "finished.onnx"
    onnx.save(toy_family.renderer(), path)
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "models"


def adopt(model: Path, config: Path, repository: Path, *options: str) -> int:
    arguments = ["adopt", "--checkpoint", model, "--config", config, "--repository", repository]
    return main([*map(str, arguments), "--role", "landmark2face", *options])


def refusal(capsys: pytest.CaptureFixture[str], repository: Path) -> str:
    assert not repository.exists()
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_the_bytes_are_those_of_the_file(model: Path, config: Path, repository: Path) -> None:
    assert adopt(model, config, repository) == 0
    folder = repository / "landmark2face" / "1"
    assert (folder / "model.onnx").read_bytes() == model.read_bytes()


def test_the_manifest_says_what_the_configuration_said(
    model: Path, config: Path, repository: Path
) -> None:
    adopt(model, config, repository, "--model-name", "mine")
    manifest = json.loads((repository / "mine" / "1" / "manifest.json").read_text())
    assert manifest["feature_kind"] == "toy-6"
    assert manifest["crop"] == {"kind": "eyes-mouth-v1", "wh": 0.97}
    assert manifest["paste"] == {"mode": "feather", "soft": 0.1}
    assert manifest["licence"] == "CC0-1.0"
    assert manifest["recipe"].endswith("--config config.yaml --role landmark2face")


def test_validate_finds_no_fault_in_it(model: Path, config: Path, repository: Path) -> None:
    adopt(model, config, repository)
    adopt(model, config, repository)
    report = asyncio.run(examine(repository, {"landmark2face": "landmark2face"}))
    assert report.findings == []


def test_weights_beside_the_file_go_with_it(model: Path, config: Path, repository: Path) -> None:
    proto = onnx.load(model)
    gain = next(w for w in proto.graph.initializer if w.name == "gain")
    external_data_helper.set_external_data(gain, "gain.data", offset=0, length=4)
    gain.ClearField("raw_data")
    gain.data_location = TensorProto.EXTERNAL
    onnx.save(proto, model)
    (model.parent / "gain.data").write_bytes(np.float32(0.25).tobytes())
    assert adopt(model, config, repository) == 0
    folder = repository / "landmark2face" / "1"
    assert (folder / "gain.data").read_bytes() == np.float32(0.25).tobytes()
    assert "gain.data" in json.loads((folder / "manifest.json").read_text())["files"]
    report = asyncio.run(examine(repository, {"landmark2face": "landmark2face"}))
    assert report.findings == []


def test_a_fixed_batch_axis_is_refused(
    model: Path, config: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proto = toy_family.renderer()
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(proto, model)
    assert adopt(model, config, repository) == EXIT_ERROR
    assert "export it with a dynamic batch axis" in refusal(capsys, repository)


def test_rows_that_depend_on_each_other_are_refused(
    model: Path, config: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx.save(toy_family.mixing(0.5, weight=100), model)
    assert adopt(model, config, repository) == EXIT_ERROR
    assert "rows of 5" in refusal(capsys, repository)


def test_numbers_that_are_none_are_refused(
    model: Path, config: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx.save(toy_family.speech_of_nan(), model)
    window = "{sample_rate: 16000, left_context: 1, core: 2, right_context: 1}"
    config.write_text(f"licence: x\nfeature_kind: y\nwindow: {window}\n")
    arguments = ["adopt", "--checkpoint", model, "--config", config, "--repository", repository]
    assert main([*map(str, arguments), "--role", "wenet"]) == EXIT_ERROR
    assert "off by inf" in refusal(capsys, repository)


def test_a_newer_opset_than_servers_take_is_refused(
    model: Path, config: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proto = toy_family.renderer()
    proto.ir_version = 10
    onnx.save(proto, model)
    assert adopt(model, config, repository) == EXIT_ERROR
    assert "IR version 10" in refusal(capsys, repository)


@pytest.mark.parametrize(
    ("role", "told"),
    [("wenet", "asks for input 'face'"), ("painter", "--role is one of face_detection")],
)
def test_a_role_that_it_does_not_fill_is_refused(
    model: Path,
    config: Path,
    repository: Path,
    capsys: pytest.CaptureFixture[str],
    role: str,
    told: str,
) -> None:
    arguments = ["adopt", "--checkpoint", model, "--config", config, "--repository", repository]
    assert main([*map(str, arguments), "--role", role]) == EXIT_ERROR
    assert told in refusal(capsys, repository)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("feature_kind: toy-6\n", "licence"),
        (CONFIG + "licens: x\n", "licens"),
        (CONFIG + "window: {core: many}\n", "window"),
        (CONFIG.replace("{kind: eyes-mouth-v1, wh: 0.97}", "{wh: 1}"), "crop.kind"),
        (CONFIG.replace("eyes-mouth-v1", "unheard-of"), "wants the crop geometry unheard-of"),
        (CONFIG.replace("mode: feather", "mode: glue"), "pasted by glue"),
        (CONFIG.replace("feature_kind: toy-6", ""), "of which kind its features are"),
    ],
)
def test_a_configuration_that_says_too_little_or_too_much_is_refused(
    model: Path,
    config: Path,
    repository: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    told: str,
) -> None:
    config.write_text(text)
    assert adopt(model, config, repository) == EXIT_ERROR
    assert told in refusal(capsys, repository)


def test_the_role_is_asked_for(
    model: Path, config: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["adopt", "--checkpoint", model, "--config", config, "--repository", repository]
    assert main(list(map(str, arguments))) == EXIT_ERROR
    assert "give --role" in refusal(capsys, repository)
