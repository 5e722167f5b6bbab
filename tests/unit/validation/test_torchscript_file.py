"""TorchScript archives are told from pickles by their contents, and nothing of them is run."""

import pickle
import zipfile
from pathlib import Path

import pytest

from export.repository import sha256_of
from orchestrator.validation.examine import look
from orchestrator.validation.finding import Finding
from orchestrator.validation.repository import Repository
from orchestrator.validation.torchscript_file import TorchScriptFile, read_torchscript
from tests.unit.validation.good import Recipe, change_manifest, write_model

CODE = """class Mouth(Module):
  __parameters__ = []
  def forward(self: __torch__.toys.Mouth,
    face: Tensor,
    features: Tensor) -> Tensor:
    return face
"""
FIRST = b"\x80\x02c__torch__.toys\nMouth\nq\x00)\x81."  # a pickle that begins with that class


def script(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model/data.pkl", FIRST)
        file.writestr("model/constants.pkl", pickle.dumps(()))
        file.writestr("model/code/__torch__/toys.py", CODE)
    return path


def model_with(folder: Path, inputs: list[str], outputs: list[str]) -> Path:
    """A model of the pytorch backend with these tensors."""
    recipe = Recipe(
        {name: ("FP32", [4]) for name in inputs}, {name: ("FP32", [4]) for name in outputs}
    )
    write_model(folder, recipe)
    (folder / "1" / "model.onnx").unlink()
    script(folder / "1" / "model.pt")
    config = folder / "config.pbtxt"
    text = config.read_text().replace("onnxruntime", "pytorch").replace("model.onnx", "model.pt")
    config.write_text(text)
    change_manifest(folder, files={"model.pt": sha256_of(folder / "1" / "model.pt")})
    return folder


def found_in(repository: Path) -> list[Finding]:
    return look(Repository.open(repository), {})


def test_the_arguments_of_forward_are_read_as_text(tmp_path: Path) -> None:
    read = read_torchscript(script(tmp_path / "model.pt"), "model.pt")

    assert read.value == TorchScriptFile(("face", "features"))


def test_pickled_weights_are_no_torchscript_and_stay_pickled(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model/data.pkl", b"cno_such_module\nThing\n.")

    read = read_torchscript(path, "model.pt")

    assert read.value is None
    assert "pickled weights without code" in read.faults[0].sentence


def test_a_file_that_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"no zip")

    assert "no archive of TorchScript" in read_torchscript(path, "x").faults[0].sentence


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (["face", "features"], ["generated"]),
        (["INPUT__0", "INPUT__1"], ["OUTPUT__0", "OUTPUT__1"]),
        (["features"], ["mask__0"]),
        (["face"], ["mask__"]),
    ],
)
def test_names_of_either_convention_are_good(
    tmp_path: Path, inputs: list[str], outputs: list[str]
) -> None:
    model_with(tmp_path / "mouth", inputs, outputs)

    assert found_in(tmp_path) == []


@pytest.mark.parametrize(
    ("inputs", "outputs", "level", "sentence"),
    [
        (["a", "b"], ["y"], "warning", "a, b are no arguments of the model"),
        (["INPUT__0", "face"], ["y"], "warning", "but not face"),
        (["INPUT__0", "INPUT__2"], ["y"], "error", "2 at the end of an input's name is there bey"),
        (["face"], ["a__0", "b__0"], "error", "0 at the end of an output's name is there twice"),
        (["face"], ["a__0", "b"], "warning", "but not b"),
    ],
)
def test_names_that_the_backend_reads_otherwise_are_told(
    tmp_path: Path, inputs: list[str], outputs: list[str], level: str, sentence: str
) -> None:
    model_with(tmp_path / "mouth", inputs, outputs)

    (found,) = found_in(tmp_path)

    assert (found.level, found.rule) == (level, "torchscript-names")
    assert sentence in found.sentence


def test_an_onnx_file_under_a_pytorch_name_is_told_once(tmp_path: Path) -> None:
    folder = model_with(tmp_path / "mouth", ["face"], ["y"])
    (folder / "1" / "model.pt").write_bytes(b"\x08\x08")
    change_manifest(folder, files={"model.pt": sha256_of(folder / "1" / "model.pt")})

    (found,) = found_in(tmp_path)

    assert found.rule == "torchscript-syntax"
