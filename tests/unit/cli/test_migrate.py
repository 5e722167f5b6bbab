"""`orchestrator migrate` finds the weights of an installation and writes how they get here."""

import json
import shlex
from collections.abc import Mapping
from math import prod
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from orchestrator.cli.app import app
from orchestrator.cli.running import run_app
from orchestrator.settings import load_settings
from tests.unit.export.torch_files import dictionary, save, tensor

ENCODER = {
    "encoder.embed.out.0.weight": (4, 76),
    "encoder.encoders.0.self_attn.linear_q.weight": (4, 4),
    "ctc.ctc_lo.weight": (9, 4),
}
RENDERER = {
    "source_in_conv.0.0.conv.weight": (64, 3, 7, 7),
    "ref_in_conv.2.1.conv.weight": (8, 4, 3, 3),
    "adaAT.commn_linear.0.weight": (8, 8),
}


def write_weights(path: Path, shapes: Mapping[str, tuple[int, ...]], *, inside: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = {name: str(place) for place, name in enumerate(shapes)}
    state = dictionary({name: tensor(keys[name], shape) for name, shape in shapes.items()})
    records = {keys[name]: bytes(4 * prod(shape)) for name, shape in shapes.items()}
    save(path, dictionary({inside: state}) if inside else state, records)


def write_head_pose(path: Path) -> None:
    """A network that such installations have and this project does not need."""
    path.parent.mkdir(parents=True, exist_ok=True)
    taken = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])
    given = helper.make_tensor_value_info("pitch", TensorProto.FLOAT, [1, 66])
    constant = helper.make_tensor("zeros", TensorProto.FLOAT, [1, 66], [0.0] * 66)
    node = helper.make_node("Identity", ["zeros"], ["pitch"])
    graph = helper.make_graph([node], "pose", [taken], [given], [constant])
    onnx.save(helper.make_model(graph), path)


@pytest.fixture
def heygem(tmp_path: Path) -> Path:
    """An installation; the names of its files tell nothing."""
    root = tmp_path / "heygem"
    write_weights(root / "wenet/exp/a.pt", ENCODER)
    write_weights(root / "checkpoints/b.pth", RENDERER, inside="face_G")
    write_head_pose(root / "resources/model_float32.onnx")
    (root / "broken.pth").write_bytes(b"PK\x03\x04 cut off")
    (root / "readme.txt").write_text("no weights")
    return root


def migrate(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    app_arguments = ["migrate", *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["orchestrator", *app_arguments])
        status = run_app(app)
    written = capsys.readouterr()
    return status, written.out, written.err


def test_the_script_exports_what_was_found(
    heygem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, repository = tmp_path / "out", tmp_path / "models"
    status, _, error = migrate(capsys, heygem, "--output", output, "--repository", repository)
    assert status == 0, error
    lines = (output / "export.sh").read_text().splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("python")]
    files = {"dinet-v1": "checkpoints/b.pth", "wenet": "wenet/exp/a.pt"}
    assert {command[3]: command[5] for command in commands} == {
        family: str(heygem / file) for family, file in files.items()
    }
    assert all(command[-2:] == ["--repository", str(repository)] for command in commands)


def test_the_profile_uses_what_the_script_makes(
    heygem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    migrate(capsys, heygem, "--output", tmp_path / "out")
    models = load_settings(str(tmp_path / "out" / "profile.yaml")).models
    assert models.wenet == "heygem_wenet"
    assert models.landmark2face == "heygem_landmark2face"
    assert models.face_detection == "face_detection"


def test_every_file_is_accounted_for(
    heygem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text, _ = migrate(capsys, heygem, "--output", tmp_path / "out")
    assert "wenet/exp/a.pt" in text
    assert "a head pose network (WHENet); nothing here needs one" in text
    assert "broken.pth" in text
    assert "readme.txt" not in text


def test_it_can_be_read_by_programs(
    heygem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text, _ = migrate(capsys, heygem, "--output", tmp_path / "out", "--json")
    families = {Path(w["file"]).name: w["family"] for w in json.loads(text)["weights"]}
    assert families == {
        "a.pt": "wenet",
        "b.pth": "dinet-v1",
        "broken.pth": None,
        "model_float32.onnx": None,
    }


def test_a_renderer_without_its_encoder_is_told(
    heygem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (heygem / "wenet/exp/a.pt").unlink()
    _, text, _ = migrate(capsys, heygem, "--output", tmp_path / "out")
    assert "The speech encoder (wenetmodel.pt) was not found" in text


def test_what_is_there_already_is_not_overwritten(
    heygem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "export.sh").write_text("mine")
    status, _, error = migrate(capsys, heygem, "--output", tmp_path)
    assert status == 1
    assert "export.sh exists" in error
    assert (tmp_path / "export.sh").read_text() == "mine"
    assert not (tmp_path / "profile.yaml").exists()


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("nowhere", "is no folder"),
        ("empty", "No file under"),
        ("other", "No weights of a renderer"),
    ],
)
def test_a_folder_without_an_installation_is_told_in_a_line(
    folder: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    write_weights(tmp_path / "other" / "a.pt", ENCODER)
    status, _, error = migrate(capsys, tmp_path / folder, "--output", tmp_path / "out")
    assert status == 1
    assert told in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()
