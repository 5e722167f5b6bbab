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


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, "utf-8")
    return str(folder / name)


@pytest.mark.parametrize("profile", ["heygem", "dinet", "wav2lip"])
def test_a_profile_for_own_weights_changes_the_models_of_speech_and_face_alone(
    profile: str,
) -> None:
    usual, other = load_settings("default"), load_settings(profile)

    assert other.models.wenet != usual.models.wenet
    assert other.models.landmark2face != usual.models.landmark2face
    changed = {"wenet": usual.models.wenet, "landmark2face": usual.models.landmark2face}
    assert other.model_copy(update={"models": other.models.model_copy(update=changed)}) == usual


def test_a_profile_holds_only_what_differs_from_the_one_that_it_extends(tmp_path: Path) -> None:
    written(tmp_path, "base.yaml", "extends: default\nencoding: {crf: 20}\nidle: breathe\n")
    mine = written(tmp_path, "mine.yaml", "extends: ./base.yaml\nencoding: {codec: hevc}\n")

    settings, usual = load_settings(mine), load_settings("default")

    assert (settings.encoding.crf, settings.encoding.codec, settings.idle) == (
        20,
        "hevc",
        "breathe",
    )
    assert settings.encoding.encoder == usual.encoding.encoder
    assert settings.models == usual.models


def test_null_wins_over_what_is_extended(tmp_path: Path) -> None:
    written(tmp_path, "base.yaml", "extends: default\nmodels: {face_restoration: gfpgan}\n")
    mine = written(tmp_path, "mine.yaml", "extends: ./base.yaml\nmodels: {face_restoration: null}")

    assert (
        load_settings(str(tmp_path / "base.yaml")).models.by_role()["face_restoration"] == "gfpgan"
    )
    assert "face_restoration" not in load_settings(mine).models.by_role()


def test_a_wrong_key_is_named_with_the_file_that_holds_it(tmp_path: Path) -> None:
    base = written(tmp_path, "base.yaml", "extends: default\nfaces: {paste: glue}\n")
    mine = written(tmp_path, "mine.yaml", "extends: ./base.yaml\nidle: still\n")
    wrong = written(tmp_path, "wrong.yaml", "extends: default\nfaces: {past: mask}\n")

    with pytest.raises(InputError, match=rf"{base}, key faces\.paste"):
        load_settings(mine)
    with pytest.raises(InputError, match=rf"{wrong}, key faces\.past: Extra"):
        load_settings(wrong)


def test_profiles_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    one = written(tmp_path, "one.yaml", "extends: ./two.yaml\n")
    written(tmp_path, "two.yaml", "extends: ./one.yaml\n")

    with pytest.raises(InputError, match=r"two\.yaml, key extends: \./one\.yaml extends this"):
        load_settings(one)


def test_what_is_extended_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Profile 'nosuch' cannot be read"):
        load_settings(written(tmp_path, "mine.yaml", "extends: nosuch\n"))


@pytest.mark.parametrize("text", ["", "just words", "extends: default\nmodels: none\n"])
def test_a_profile_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="key"):
        load_settings(written(tmp_path, "mine.yaml", text))
