"""Which folders of a repository are models."""

from pathlib import Path

import pytest

from client.errors import InputError
from orchestrator.server.models import choose_models


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("wenet", "face_detection"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.pbtxt").touch()
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_every_folder_with_a_configuration_is_a_model(repository: Path) -> None:
    assert choose_models(repository) == ["face_detection", "wenet"]


def test_wanted_models_alone_are_chosen(repository: Path) -> None:
    assert choose_models(repository, ["wenet"]) == ["wenet"]


def test_a_model_that_the_repository_lacks_is_named(repository: Path) -> None:
    with pytest.raises(InputError, match="lacks landmark2face: it has face_detection, wenet"):
        choose_models(repository, ["wenet", "landmark2face"])


def test_a_missing_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no model repository at .*/none"):
        choose_models(tmp_path / "none")


def test_a_folder_without_models_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no model repository"):
        choose_models(tmp_path)


def test_a_model_folder_that_a_shell_would_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my model").mkdir()
    (tmp_path / "my model" / "config.pbtxt").touch()
    with pytest.raises(InputError, match=r"'my model' .* cannot be served: rename it"):
        choose_models(tmp_path)
