"""Profiles are checked key by key; the project's folder is found from anywhere."""

from pathlib import Path

import pytest
import yaml

from client.errors import InputError
from orchestrator.settings import HOME_VARIABLE, home, load_settings


def test_the_default_profile_names_a_model_for_every_role() -> None:
    roles = load_settings("default").models.by_role()

    assert set(roles) == {"face_detection", "face_landmarks", "wenet", "landmark2face"}


def test_the_project_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert (home() / "configs" / "default.yaml").is_file()


def test_a_folder_without_profiles_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))

    with pytest.raises(InputError, match="holds no configs folder"):
        home()


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(InputError, match="Profile 'nosuch' cannot be read"):
        load_settings("nosuch")


@pytest.mark.parametrize(
    ("section", "keys", "sentence"),
    [
        ("encoding", {"crf": 99}, r"key encoding\.crf"),
        ("encoding", {"preset": "nonsense"}, r"key encoding\.preset.*'veryfast'"),
        ("encoding", {"codec": "vp9"}, r"key encoding\.codec.*'hevc'"),
        ("faces", {"extra": 1}, r"key faces\.extra"),
    ],
)
def test_a_wrong_key_is_named(
    tmp_path: Path, section: str, keys: dict[str, object], sentence: str
) -> None:
    content = yaml.safe_load((home() / "configs" / "default.yaml").read_text("utf-8"))
    content[section] |= keys
    profile = tmp_path / "mine.yaml"
    profile.write_text(yaml.safe_dump(content), "utf-8")

    with pytest.raises(InputError, match=sentence):
        load_settings(str(profile))


def test_a_profile_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("models: [", "utf-8")

    with pytest.raises(InputError, match="is not YAML"):
        load_settings(str(profile))
