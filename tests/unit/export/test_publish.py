"""Publishing: whole or not at all, beside what is served, whoever else publishes or is killed."""

import asyncio
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from google.protobuf import text_format  # type: ignore[import-untyped]
from tritonclient.grpc import model_config_pb2

from client.errors import InputError, OutputError
from export.config_text import ServedModel, serving
from export.parity import Figure
from export.publish import Version, publish
from export.repository import Manifest, sha256_of, write_golden
from orchestrator.validation.examine import examine
from tests.unit.export import toy_family

FIGURES = [Figure("core", "scaled", "batch 1", 0.0, 1e-4)]
MODEL = ServedModel(
    name="toy",
    backend="onnxruntime",
    file_name="model.onnx",
    inputs=(toy_family.FACE, toy_family.FEATURES),
    outputs=(toy_family.GENERATED,),
    max_batch_size=8,
    queue_delay_us=2000,
    summary="A toy: the face, darker.",
)


@pytest.fixture
def version(tmp_path: Path) -> Version:
    folder = tmp_path / "made"
    folder.mkdir()
    onnx.save(toy_family.renderer(), folder / "model.onnx")
    outputs = {"generated": np.zeros((1, 4, 4, 3), np.uint8)}
    golden = write_golden(folder, toy_family.examples(1), outputs, {"generated": 2.0})
    manifest = Manifest(
        model="",
        version=0,
        files={},
        opset=17,
        ir_version=8,
        source="a toy",
        licence="CC0-1.0",
        recipe="python -m export toy",
        feature_kind="toy-6",
        crop={"kind": "eyes-mouth-v1"},
        golden=golden,
        paste={"mode": "feather"},
        figures={"core_scaled_batch_1": 0.0},
        tools={"onnx": onnx.__version__},
    )
    return Version(folder, MODEL, "landmark2face", manifest, FIGURES)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "models"


def config_of(repository: Path) -> model_config_pb2.ModelConfig:
    text = (repository / "toy" / "config.pbtxt").read_text()
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def served(repository: Path) -> list[int]:
    return list(config_of(repository).version_policy.specific.versions)


def findings(repository: Path) -> list[str]:
    report = asyncio.run(examine(repository, {"landmark2face": "toy"}))
    return [str(finding) for finding in report.findings]


def left_over(repository: Path) -> list[Path]:
    return list(repository.rglob(".export-*"))


def test_a_new_model_is_complete_and_a_repository_with_it_has_no_fault(
    version: Version, repository: Path
) -> None:
    assert publish(version, repository) == repository / "toy" / "1"
    assert findings(repository) == []
    names = {path.name for path in (repository / "toy").iterdir()}
    assert names == {"config.pbtxt", "MODEL_CARD.md", "NOTICE", "1"}


def test_the_next_version_stands_beside_the_first_and_is_served(
    version: Version, repository: Path
) -> None:
    publish(version, repository)
    first = (repository / "toy" / "1" / "manifest.json").read_bytes()
    assert publish(version, repository) == repository / "toy" / "2"
    assert served(repository) == [2]
    assert findings(repository) == []
    assert (repository / "toy" / "1" / "manifest.json").read_bytes() == first
    card = (repository / "toy" / "MODEL_CARD.md").read_text()
    assert card.count("## Version 1\n") == card.count("## Version 2\n") == 1


def test_the_manifest_says_what_was_published_and_the_configuration_mirrors_it(
    version: Version, repository: Path
) -> None:
    folder = publish(version, repository)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["model"] == "toy"
    assert manifest["version"] == 1
    assert manifest["files"] == {"model.onnx": sha256_of(folder / "model.onnx")}
    assert manifest["paste"] == {"mode": "feather"}
    assert manifest["figures"] == {"core_scaled_batch_1": 0.0}
    mirror = config_of(repository).parameters["manifest.1"].string_value
    assert json.loads(mirror) == manifest


def test_a_manifest_says_nothing_of_what_the_built_in_models_lack(version: Version) -> None:
    manifest = replace(version.manifest, paste=None, figures={}, tools={})
    assert not {"paste", "figures", "tools"} & json.loads(manifest.text()).keys()


def test_what_somebody_wrote_into_the_configuration_stays(
    version: Version, repository: Path
) -> None:
    publish(version, repository)
    path = repository / "toy" / "config.pbtxt"
    changed = "# mine\n" + path.read_text().replace("count: 1", "count: 3")
    path.write_text(changed)
    publish(version, repository)
    text = path.read_text()
    assert text.startswith("# mine\n")
    assert config_of(repository).instance_group[0].count == 3
    assert sorted(config_of(repository).parameters) == ["manifest.1", "manifest.2"]


def test_a_configuration_with_a_policy_of_its_own_form_serves_the_new_version(
    version: Version, repository: Path
) -> None:
    publish(version, repository)
    path = repository / "toy" / "config.pbtxt"
    old, new = (
        "version_policy: { specific: { versions: [ 1 ] } }",
        "version_policy {\n latest {}\n}",
    )
    path.write_text(path.read_text().replace(old, new))
    publish(version, repository)
    assert served(repository) == [2]


def test_a_policy_that_cannot_be_found_safely_is_not_guessed_at() -> None:
    text = 'name: "toy"\nversion_policy { # of { mine\n latest {} }\nmax_batch_size: 8\n'
    with pytest.raises(OutputError, match="cannot be changed safely"):
        serving(text, 2, Path("toy"))


@pytest.mark.parametrize(
    "other",
    [
        replace(MODEL, backend="pytorch"),
        replace(MODEL, inputs=(toy_family.FACE,)),
        replace(MODEL, outputs=(replace(toy_family.GENERATED, shape=(8, 8, 3)),)),
    ],
)
def test_another_model_of_the_same_name_is_refused(
    version: Version, repository: Path, other: ServedModel
) -> None:
    publish(version, repository)
    with pytest.raises(InputError, match=r"is another model .* give another --model-name"):
        publish(replace(version, model=other), repository)
    assert not (repository / "toy" / "2").exists()
    assert left_over(repository) == []


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../up", "two words", "n" * 101])
def test_a_name_that_no_server_takes_is_refused(
    version: Version, repository: Path, name: str
) -> None:
    with pytest.raises(InputError, match="--model-name"):
        publish(replace(version, model=replace(MODEL, name=name)), repository)


def test_a_repository_that_cannot_be_written_is_told_in_one_sentence(
    version: Version, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises((InputError, OutputError), match=r"name (one|a model repository)"):
        publish(version, tmp_path / "file" / "models")


def test_a_number_that_somebody_else_took_meanwhile_is_passed_over(
    version: Version, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(version, repository)
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        if target.name == "2" and not target.exists():
            target.mkdir()
            (target / "theirs").write_text("")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    assert publish(version, repository).name == "3"
    assert (repository / "toy" / "2" / "theirs").exists()


def test_exporters_at_once_get_versions_of_their_own(version: Version, repository: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=publish, args=(version, repository)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert findings(repository) == []
    assert sorted(config_of(repository).parameters) == [f"manifest.{n}" for n in (1, 2, 3, 4)]
    assert served(repository) == [4]


CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.copyfile", "open", "os.chmod"}


def _killed_at(change: int, version: Version, repository: Path) -> int:
    """Publishes in a process that ends without any clean-up before its change number `change`."""
    child = os.fork()
    if child == 0:
        left = [change]

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            writes = event != "open" or "w" in str(arguments[1] or "")
            if event in CHANGES and writes:
                left[0] -= 1
                if left[0] == 0:
                    os._exit(9)

        sys.addaudithook(hook)
        publish(version, repository)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _kills(version: Version, repository: Path) -> Iterator[int]:
    """Kills an export at each of its changes in turn, until one comes to its end."""
    for change in range(1, 200):
        yield change
        if _killed_at(change, version, repository) == 0:
            return
    raise AssertionError("it never came to its end")


def test_an_export_killed_anywhere_before_the_first_version_leaves_no_model(
    version: Version, tmp_path: Path
) -> None:
    count = 0
    for change in _kills(version, tmp_path / "models"):
        repository = tmp_path / "models"
        if change > 1 and not (repository / "toy").exists():
            count += 1
            names = [path.name for path in repository.iterdir()] if repository.exists() else []
            assert all(name.startswith(".export-") for name in names)
    assert count > 5
    assert left_over(tmp_path / "models") == []
    assert findings(tmp_path / "models") == []


def test_an_export_killed_anywhere_leaves_what_is_served_and_the_next_one_cleans_up(
    version: Version, tmp_path: Path
) -> None:
    repository = tmp_path / "models"
    publish(version, repository)
    digest = sha256_of(repository / "toy" / "1" / "model.onnx")
    for change in range(1, 200):
        before = served(repository)
        end = _killed_at(change, version, repository)
        if end == 0:
            break
        now = served(repository)
        assert now == before or now[0] > before[0]
        folder = repository / "toy" / str(now[0])
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["files"]["model.onnx"] == sha256_of(folder / "model.onnx") == digest
        mirror = config_of(repository).parameters[f"manifest.{now[0]}"].string_value
        assert json.loads(mirror) == manifest
    assert change > 8
    assert end == 0
    assert left_over(repository) == []
    assert findings(repository) == []
