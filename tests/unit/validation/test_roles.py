"""Models that a profile names keep the contract of their roles; others need not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.validation.examine import look
from orchestrator.validation.finding import Finding
from orchestrator.validation.repository import Repository
from tests.unit.validation.good import (
    RECIPES,
    Recipe,
    change_manifest,
    write_model,
    write_repository,
)

ROLES = {name: name for name in ("face_detection", "face_landmarks", "wenet", "landmark2face")}


def found_in(repository: Path, roles: Mapping[str, str] = ROLES) -> list[Finding]:
    return look(Repository.open(repository), roles)


def repository_with(path: Path, **recipes: Recipe) -> Path:
    for name, recipe in (RECIPES | recipes).items():
        write_model(path / name, recipe)
    return path


def the_only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def with_facts(name: str, **facts: object) -> Recipe:
    return replace(RECIPES[name], facts={**RECIPES[name].facts, **facts})


def test_a_repository_that_fills_all_roles_has_no_findings(tmp_path: Path) -> None:
    assert found_in(write_repository(tmp_path)) == []


def test_a_role_that_no_model_fills_is_told_with_its_name_in_the_profile(tmp_path: Path) -> None:
    found = the_only(found_in(write_repository(tmp_path), ROLES | {"wenet": "hubert"}))

    assert (found.level, found.file) == ("error", "hubert")
    assert "no model hubert, as the profile calls the wenet" in found.sentence


def test_a_model_under_another_folder_is_told_once(tmp_path: Path) -> None:
    folder = write_repository(tmp_path) / "wenet"
    folder.rename(tmp_path / "speech")

    assert the_only(found_in(tmp_path)).sentence == (
        "The model is called wenet here, and its folder speech."
    )


def test_every_tensor_that_breaks_the_contract_is_told(tmp_path: Path) -> None:
    shapes: Recipe = Recipe(
        {"face": ("UINT8", [8, 8, 3])},
        {"landmarks": ("FP32", [5, 2]), "presence": ("FP32", [2]), "mesh": ("FP32", [5, 2])},
        RECIPES["face_landmarks"].facts,
    )

    found = found_in(repository_with(tmp_path, face_landmarks=shapes))

    assert [finding.place for finding in found] == ["face_landmarks/config.pbtxt"] * 2
    assert "declares landmarks FP32 [5, 2]; the contract wants FP32 [68, 2]" in found[0].sentence
    assert "declares presence FP32 [2]; the contract wants FP32 [1]" in found[1].sentence


@pytest.mark.parametrize(
    ("model", "facts", "sentence"),
    [
        ("face_landmarks", {"crop": None}, "wants the crop geometry of no kind"),
        ("landmark2face", {"crop": {"kind": "mouth"}}, "wants the crop geometry mouth"),
        ("wenet", {"window": None}, "does not declare the window"),
        ("landmark2face", {"feature_kind": None}, "does not say of which kind"),
    ],
)
def test_what_a_role_needs_to_know_is_in_the_manifest(
    tmp_path: Path, model: str, facts: dict[str, object], sentence: str
) -> None:
    repository = repository_with(tmp_path, **{model: with_facts(model, **facts)})

    found = the_only(found_in(repository))

    assert found.place == f"{model}/1/manifest.json"
    assert sentence in found.sentence


def test_an_encoder_and_a_renderer_of_different_features_are_told(tmp_path: Path) -> None:
    other = with_facts("landmark2face", feature_kind="other")

    found = the_only(found_in(repository_with(tmp_path, landmark2face=other)))

    assert "wants other features of width 7, but wenet version 1 gives toy" in found.sentence


def test_a_python_model_of_others_has_what_every_model_needs_and_no_contract(
    tmp_path: Path,
) -> None:
    write_repository(tmp_path)
    folder = tmp_path / "theirs"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "model.py").write_text("class TritonPythonModel: ...\n")
    (folder / "config.pbtxt").write_text('name: "theirs" backend: "python" max_batch_size: 2')

    rules = [finding.rule for finding in found_in(tmp_path)]

    assert "manifest-missing" in rules
    assert rules.count("tensors") == 2
    assert not {"contract", "stray-code", "model-file", "onnx-syntax"} & set(rules)


def test_an_ensemble_of_others_needs_its_steps_and_no_files_or_instances(tmp_path: Path) -> None:
    write_repository(tmp_path)
    folder = tmp_path / "both"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(
        'name: "both" platform: "ensemble" max_batch_size: 4\n'
        'input { name: "x" data_type: TYPE_FP32 dims: 4 }\n'
        'output { name: "y" data_type: TYPE_FP32 dims: 4 }\n'
        "version_policy { specific { versions: 1 } }\n"
        'ensemble_scheduling { step { model_name: "echo" } step { model_name: "gone" } }\n'
    )

    found = {finding.rule: finding for finding in found_in(tmp_path)}

    assert found["ensemble"].place == "both/config.pbtxt:5"
    assert "asks for the model gone" in found["ensemble"].sentence
    assert found.keys() == {"ensemble", "manifest-missing", "model-card"}


def test_folders_that_are_no_models_are_one_warning(tmp_path: Path) -> None:
    write_repository(tmp_path)
    for name in (".git", "notes", "old"):
        (tmp_path / name).mkdir()

    found = the_only(found_in(tmp_path))

    assert (found.level, found.file) == ("warning", ".")
    assert "no model: .git, notes, old." in found.sentence


def test_a_model_without_a_configuration_is_an_error(tmp_path: Path) -> None:
    write_repository(tmp_path)
    (tmp_path / "echo" / "config.pbtxt").unlink()

    found = the_only(found_in(tmp_path))

    assert (found.level, found.file, found.rule) == ("error", "echo", "config-missing")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"paste": {"mode": "glue"}}, "wants its picture pasted by glue"),
        ({"paste": {"mode": "ellipse", "soft": 7}}, "has soft 7, which it cannot use"),
        ({"paste": {"mode": "mask"}}, "this one gives none"),
        ({"crop": {"kind": "heygem-v1", "wh": 0}}, "has the proportion wh 0"),
    ],
)
def test_how_a_picture_is_cut_and_pasted_must_be_of_use(
    tmp_path: Path, facts: dict[str, object], sentence: str
) -> None:
    repository = write_repository(tmp_path)
    change_manifest(repository / "landmark2face", **facts)

    assert sentence in the_only(found_in(repository)).sentence
