"""`python -m export`: what it publishes, and that every mistake is one sentence."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.__main__ import EXIT_ERROR, EXIT_STOPPED, EXIT_USAGE, main
from export.families import family
from export.onnx_network import run_session, session
from orchestrator.validation.examine import examine
from tests.unit.export import torch_files as made
from tests.unit.export import toy_family

HOME = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _families(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy is the only family beside the finished models."""
    for module in ("commands", "recognise"):
        known = [toy_family.FAMILY, family("adopt")]
        monkeypatch.setattr(f"export.{module}.families", lambda known=known: known)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return toy_family.save_checkpoint(tmp_path / "toy.onnx", 0.5)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "models"


def run(*arguments: object) -> int:
    return main(list(map(str, arguments)))


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """The last line on standard error, which is all there is beside the steps."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert not any("Traceback" in line for line in lines)
    return lines[-1]


def variant(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(f"variant: {name}\n")
    return path


def test_a_checkpoint_becomes_a_version_that_computes_the_same(
    checkpoint: Path, repository: Path
) -> None:
    assert run("toy", "--checkpoint", checkpoint, "--repository", repository) == 0
    folder = repository / "toy" / "1"
    inputs = toy_family.examples(3)
    found = run_session(session(folder / "model.onnx"), [toy_family.GENERATED], inputs)
    face, features = (inputs[name].astype(np.float32) for name in ("face", "features"))
    wanted = np.round(face * 0.5 + features.mean((1, 2))[:, None, None, None])
    assert np.array_equal(found["generated"], wanted.clip(0, 255).astype(np.uint8))


def test_validate_finds_no_fault_in_what_is_published(checkpoint: Path, repository: Path) -> None:
    for _ in range(2):
        assert run("toy", "--checkpoint", checkpoint, "--repository", repository) == 0
    report = asyncio.run(examine(repository, {"landmark2face": "toy"}))
    assert report.findings == []


def test_the_manifest_tells_of_weights_figures_and_tools(
    checkpoint: Path, repository: Path
) -> None:
    run("toy", "--checkpoint", checkpoint, "--repository", repository)
    manifest = json.loads((repository / "toy" / "1" / "manifest.json").read_text())
    assert "toy.onnx, sha256" in manifest["source"]
    assert manifest["recipe"].startswith("python -m export toy --checkpoint toy.onnx --format onnx")
    assert manifest["figures"]["gain"] == 0.5
    assert manifest["figures"]["core_scaled_batch_5"] <= 1e-4
    assert manifest["figures"]["served_generated_rows_of_5"] == 0
    assert manifest["tools"]["onnx"] == onnx.__version__
    assert manifest["paste"] == {"mode": "feather", "soft": 0.1}


def test_the_golden_file_holds_what_the_version_gives(checkpoint: Path, repository: Path) -> None:
    run("toy", "--checkpoint", checkpoint, "--repository", repository)
    folder = repository / "toy" / "1"
    golden = np.load(folder / "golden.npz")
    inputs = {name: golden[f"input_{name}"] for name in ("face", "features")}
    found = run_session(session(folder / "model.onnx"), [toy_family.GENERATED], inputs)
    assert np.array_equal(found["generated"], golden["output_generated"])


def test_a_dry_run_prints_the_figures_and_publishes_nothing(
    checkpoint: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("toy", "--checkpoint", checkpoint, "--repository", repository, "--dry-run") == 0
    assert not repository.exists()
    assert "batch 5" in capsys.readouterr().err


def test_the_core_is_kept_where_asked(checkpoint: Path, repository: Path, tmp_path: Path) -> None:
    kept = tmp_path / "core.onnx"
    run("toy", "--checkpoint", checkpoint, "--repository", repository, "--keep-core", kept)
    assert [value.name for value in onnx.load(kept).graph.input] == ["pixels"]


def test_half_precision_is_said_and_is_half(checkpoint: Path, repository: Path) -> None:
    command = ("toy", "--checkpoint", checkpoint, "--repository", repository)
    assert run(*command, "--precision", "fp16") == 0
    folder = repository / "toy" / "1"
    assert json.loads((folder / "manifest.json").read_text())["precision"] == "fp16"
    types = {w.data_type for w in onnx.load(folder / "model.onnx").graph.initializer}
    assert onnx.TensorProto.FLOAT16 in types
    assert onnx.TensorProto.FLOAT not in types


def test_another_name_stands_beside_the_first(checkpoint: Path, repository: Path) -> None:
    run("toy", "--checkpoint", checkpoint, "--repository", repository)
    run("toy", "--checkpoint", checkpoint, "--repository", repository, "--model-name", "toy-two")
    assert (repository / "toy-two" / "1" / "model.onnx").exists()
    assert not (repository / "toy" / "2").exists()


def test_identify_says_which_family_a_file_is(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("identify", checkpoint) == 0
    assert "is a toy renderer: python -m export toy" in capsys.readouterr().out
    assert run("identify", checkpoint, "--json") == 0
    assert json.loads(capsys.readouterr().out)["family"] == "toy"


def test_a_file_of_another_family_is_sent_there(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "finished.onnx"
    onnx.save(toy_family.renderer(), path)
    assert run("toy", "--checkpoint", path, "--repository", repository) == EXIT_ERROR
    assert sentence(capsys) == (
        f"{path} is a finished ONNX or TorchScript model, not a toy renderer: export it with "
        f"`python -m export adopt --checkpoint {path}`."
    )


def test_a_file_of_no_family_is_told_by_what_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made.state_dict(tmp_path / "weights.pt")
    for command in (("identify", path), ("toy", "--checkpoint", path)):
        assert run(*command) == EXIT_ERROR
        assert "conv.weight, conv.bias" in sentence(capsys)


def _missing(path: Path) -> None:
    path.unlink(missing_ok=True)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _cut_archive(path: Path) -> None:
    made.state_dict(path)
    _cut(path)


def _code(path: Path) -> None:
    made.save(path, made.dictionary({"w": made.called("os.system", made.text("true"))}), {})


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_missing, "does not exist"),
        (_cut, "cut off or damaged"),
        (_cut_archive, "cut off or damaged"),
        (_code, "asks to run os.system"),
    ],
)
def test_a_bad_checkpoint_is_one_sentence_and_no_version(
    checkpoint: Path,
    repository: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
    told: str,
) -> None:
    damage(checkpoint)
    assert run("toy", "--checkpoint", checkpoint, "--repository", repository) == EXIT_ERROR
    assert told in sentence(capsys)
    assert not repository.exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("unknown", "no such variant"),
        ("lies", "gives other numbers than the checkpoint"),
        ("mixes", "rows of 5"),
        ("newer", "IR version 10"),
        ("open", "open"),
        ("other", "it must give"),
        ("oblong", "the contract wants UINT8 [S, S, 3]"),
    ],
)
def test_a_model_that_cannot_serve_is_one_sentence_and_no_version(
    checkpoint: Path,
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    told: str,
) -> None:
    command = ("toy", "--checkpoint", checkpoint, "--repository", repository)
    assert run(*command, "--config", variant(tmp_path, name)) == EXIT_ERROR
    assert told in sentence(capsys)
    assert not repository.exists()


def test_torch_is_asked_for_where_it_is_missing(
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    config = variant(tmp_path, "torch")
    assert run("toy", "--checkpoint", checkpoint, "--config", config, "--dry-run") == EXIT_ERROR
    assert "needs torch: uv pip install" in sentence(capsys)


def test_an_export_that_is_interrupted_says_so(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = variant(tmp_path, "interrupted")
    assert run("toy", "--checkpoint", checkpoint, "--config", config, "--dry-run") == EXIT_STOPPED
    assert sentence(capsys) == "stopped."


def test_a_checkpoint_beyond_the_limit_is_refused(
    checkpoint: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("toy", "--checkpoint", checkpoint, "--repository", repository)
    assert run(*command, "--max-size-gib", "1e-8") == EXIT_ERROR
    assert "raise --max-size-gib" in sentence(capsys)


def test_what_cannot_become_torchscript_says_so(
    checkpoint: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("toy", "--checkpoint", checkpoint, "--repository", repository)
    assert run(*command, "--format", "torchscript") == EXIT_ERROR
    assert "--format onnx" in sentence(capsys)
    assert not repository.exists()


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "\x00"])
def test_a_configuration_that_is_none_is_one_sentence(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text)
    assert run("toy", "--checkpoint", checkpoint, "--config", config) == EXIT_ERROR
    assert str(config) in sentence(capsys)


def test_a_checkpoint_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("toy") == EXIT_ERROR
    assert "give --checkpoint FILE" in sentence(capsys)


def test_a_wrong_option_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("toy", "--formt", "onnx") == EXIT_USAGE
    assert "--formt" in sentence(capsys)


def test_the_command_ends_with_one_line_and_its_status(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "export", "adopt", "--checkpoint", tmp_path / "none.onnx"],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == EXIT_ERROR
    assert done.stderr == f"The checkpoint {tmp_path / 'none.onnx'} does not exist; name a file.\n"
