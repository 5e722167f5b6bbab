"""Torch modules, written for a server: the same numbers, the contract's names, any batch."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from client.tensors import TensorSpec
from export.__main__ import EXIT_ERROR, main
from export.families import family
from export.family import Arrays, Build, Family
from export.onnx_network import run_session, session
from orchestrator.validation.examine import examine

torch = pytest.importorskip("torch")

from export.torch_network import TorchNetwork, run_torchscript

FACE = TensorSpec("face", "UINT8", (8, 8, 3))
FEATURES = TensorSpec("features", "FP32", (6, 2))
GENERATED = TensorSpec("generated", "UINT8", (8, 8, 3))
MASK = TensorSpec("mask", "UINT8", (8, 8, 1))
PIXELS = TensorSpec("pixels", "FP32", (3, 8, 8))
PAINTED = TensorSpec("painted", "FP32", (4, 8, 8))


class Core(torch.nn.Module):  # type: ignore[misc,name-defined]
    """Pictures [B,3,8,8] and features [B,6,2] to pictures with a mask [B,4,8,8], 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.linear = torch.nn.Linear(12, 4)

    def forward(self, pixels: Any, features: Any) -> Any:
        offset = self.linear(features.flatten(1))[:, :, None, None]
        return torch.sigmoid(self.conv(pixels) + offset)


class Served(torch.nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core

    def forward(self, face: Any, features: Any) -> tuple[Any, Any]:
        painted = self.core(face.permute(0, 3, 1, 2).float() / 255, features)
        levels = (painted.permute(0, 2, 3, 1) * 255).round().clamp(0, 255).to(torch.uint8)
        return levels[..., :3], levels[..., 3:]


def core() -> Core:
    torch.manual_seed(3)
    return Core()


def served(module: Any) -> TorchNetwork:
    return TorchNetwork(Served(module), [FACE, FEATURES], [GENERATED, MASK])


def examples(batch: int) -> Arrays:
    rng = np.random.default_rng(1)
    face = rng.integers(0, 256, (batch, 8, 8, 3)).astype(np.uint8)
    return {"face": face, "features": rng.random((batch, 6, 2), np.float32)}


def core_examples(batch: int) -> Arrays:
    inputs = examples(batch)
    pixels = inputs["face"].astype(np.float32).transpose(0, 3, 1, 2) / 255
    return {"pixels": np.ascontiguousarray(pixels), "features": inputs["features"]}


def build(checkpoint: Any, config: Any) -> Build:
    module = core()
    module.load_state_dict(checkpoint.state())
    return Build(
        served=served(module),
        core=TorchNetwork(module, [PIXELS, FEATURES], [PAINTED]),
        examples=examples,
        core_examples=core_examples,
        source="a toy",
        licence="CC0-1.0",
        summary="A toy painter.",
        feature_kind="toy-6",
        crop={"kind": "eyes-mouth-v1"},
    )


FAMILY = Family(
    name="painter",
    role="landmark2face",
    title="a toy painter",
    model_name="painter",
    recognises=lambda structure: "conv.weight" in structure.state(),
    builder="tests.unit.export.test_torch_network:build",
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in ("commands", "recognise"):
        monkeypatch.setattr(f"export.{module}.families", lambda: [FAMILY, family("adopt")])
    return tmp_path / "models"


def export(tmp_path: Path, repository: Path, *options: str) -> int:
    path = tmp_path / "painter.pth"
    torch.save(core().state_dict(), path)
    return main(["painter", "--checkpoint", str(path), "--repository", str(repository), *options])


def findings(repository: Path) -> list[Any]:
    report = asyncio.run(examine(repository, {"landmark2face": "painter"}))
    return list(report.findings)


def test_an_onnx_graph_declares_all_extents_and_leaves_the_batch_open(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    served(core()).write_onnx(path, examples(2))
    graph = onnx.load(path).graph
    shapes = {
        v.name: [d.dim_value or d.dim_param for d in v.type.tensor_type.shape.dim]
        for v in (*graph.input, *graph.output)
    }
    assert shapes == {
        "face": ["batch", 8, 8, 3],
        "features": ["batch", 6, 2],
        "generated": ["batch", 8, 8, 3],
        "mask": ["batch", 8, 8, 1],
    }


def test_torchscript_has_the_arguments_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    served(core()).write_torchscript(path, examples(2))
    arguments = torch.jit.load(path).forward.schema.arguments
    assert [argument.name for argument in arguments] == ["self", "face", "features"]


def test_arguments_of_torchscript_are_found_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    network = served(core())
    network.write_torchscript(path, examples(2))
    found = run_torchscript(path, [FEATURES, FACE], network.outputs, examples(3))
    assert np.array_equal(found["mask"], network.run(examples(3))["mask"])


@pytest.mark.parametrize("file_format", ["onnx", "torchscript"])
def test_a_version_computes_what_the_checkpoint_does(
    tmp_path: Path, repository: Path, file_format: str
) -> None:
    assert export(tmp_path, repository, "--format", file_format) == 0
    folder = repository / "painter" / "1"
    inputs, network = examples(4), served(core())
    if file_format == "onnx":
        found = run_session(session(folder / "model.onnx"), network.outputs, inputs)
    else:
        found = run_torchscript(folder / "model.pt", network.inputs, network.outputs, inputs)
    for name, wanted in network.run(inputs).items():
        assert np.abs(found[name].astype(int) - wanted.astype(int)).max() <= 1
    assert findings(repository) == []


@pytest.mark.parametrize("file_format", ["onnx", "torchscript"])
def test_half_precision_is_that_of_the_core_alone(
    tmp_path: Path, repository: Path, file_format: str
) -> None:
    assert export(tmp_path, repository, "--format", file_format, "--precision", "fp16") == 0
    folder = repository / "painter" / "1"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["precision"] == "fp16"
    assert 0 < manifest["figures"]["core_painted_batch_5"] <= 2e-3
    assert findings(repository) == []


def test_a_copy_in_half_precision_leaves_the_network_as_it_was() -> None:
    network = served(core())
    network.in_half()
    assert {p.dtype for p in network.module.parameters()} == {torch.float32}


def test_a_version_in_the_other_format_is_another_model(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(tmp_path, repository)
    assert export(tmp_path, repository, "--format", "torchscript") == EXIT_ERROR
    assert "give another --model-name" in capsys.readouterr().err
    assert not (repository / "painter" / "2").exists()


def test_a_torchscript_archive_is_adopted_as_it_is(tmp_path: Path, repository: Path) -> None:
    path, config = tmp_path / "model.pt", tmp_path / "config.yaml"
    served(core()).write_torchscript(path, examples(2))
    tensors = {
        kind: {s.name: {"datatype": s.datatype, "shape": list(s.shape)} for s in specs}
        for kind, specs in (("inputs", [FACE, FEATURES]), ("outputs", [GENERATED, MASK]))
    }
    said = {"licence": "CC0-1.0", "feature_kind": "toy-6", "crop": {"kind": "eyes-mouth-v1"}}
    config.write_text(json.dumps({**said, **tensors}))
    command = f"adopt --checkpoint {path} --config {config} --repository {repository}"
    assert main([*command.split(), "--role", "landmark2face", "--model-name", "painter"]) == 0
    assert (repository / "painter" / "1" / "model.pt").read_bytes() == path.read_bytes()
    assert findings(repository) == []
