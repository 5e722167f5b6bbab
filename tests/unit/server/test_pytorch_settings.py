"""The parameters of the `pytorch` backend, and the file that it opens."""

import zipfile
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from backends.pytorch.archive import model_file, weights_in
from backends.pytorch.settings import Settings

DEFAULT = Settings(intra_op_threads=4, inter_op_threads=4)


def changed(settings: Settings) -> dict[str, object]:
    """What differs from the default."""
    default = asdict(DEFAULT)
    return {key: value for key, value in asdict(settings).items() if value != default[key]}


def test_without_parameters_the_native_defaults_hold() -> None:
    settings = Settings.parse({"manifest.1": "{}"}, share=4)
    assert settings == DEFAULT
    assert (settings.is_optimized, settings.in_inference_mode, settings.has_cudnn) == (True,) * 3
    assert (settings.shares_weights, settings.cleans_cache) == (False, False)
    assert (settings.jit_executor, settings.jit_profiling, settings.tensor_fuser) == (None,) * 3


@pytest.mark.parametrize(
    ("key", "field", "when_true"),
    [
        ("DISABLE_OPTIMIZED_EXECUTION", "is_optimized", False),
        ("INFERENCE_MODE", "in_inference_mode", True),
        ("DISABLE_CUDNN", "has_cudnn", False),
        ("ENABLE_WEIGHT_SHARING", "shares_weights", True),
        ("ENABLE_CACHE_CLEANING", "cleans_cache", True),
        ("ENABLE_JIT_EXECUTOR", "jit_executor", True),
        ("ENABLE_JIT_PROFILING", "jit_profiling", True),
        ("ENABLE_TENSOR_FUSER", "tensor_fuser", True),
    ],
)
def test_each_switch_turns_one_thing(key: str, field: str, when_true: bool) -> None:
    for words, value in ((("true", "1", "ON"), True), (("false", "0", "Off"), False)):
        for word in words:
            settings = Settings.parse({key: word}, share=4)
            assert getattr(settings, field) is (when_true is value)
            assert changed(settings).keys() <= {field}
    with pytest.raises(ValueError, match=f"^{key} is 'yes' in config.pbtxt; write true or false$"):
        Settings.parse({key: "yes"}, share=4)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("INTRA_OP_THREAD_COUNT", "intra_op_threads"),
        ("INTER_OP_THREAD_COUNT", "inter_op_threads"),
    ],
)
def test_a_thread_count_below_1_stands_for_the_instance_s_share(key: str, field: str) -> None:
    for text, count in (("3", 3), (" 3 of 8", 3), ("0", 1), ("-1", 1)):
        settings = Settings.parse({key: text}, share=1)
        assert getattr(settings, field) == count
    with pytest.raises(ValueError, match=f"^{key} is 'all' in config.pbtxt; write a whole number$"):
        Settings.parse({key: "all"}, share=4)


def test_every_setting_is_told() -> None:
    told = replace(DEFAULT, jit_executor=True, jit_profiling=False, tensor_fuser=True).describe()
    assert told.count(", ") == len(fields(Settings)) - 2  # both counts of threads are in one part
    assert "JIT profiling off" in told


@pytest.mark.parametrize("name", ["", "model.pt"])
def test_the_file_is_model_pt_unless_it_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "model.pt").touch()
    assert model_file(tmp_path, name) == tmp_path / "model.pt"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"/voice\.pt is missing; export the model"):
        model_file(tmp_path, "voice.pt")


@pytest.mark.parametrize("name", ["../2/model.pt", "{}/2/model.pt", "link.pt"])
def test_a_file_outside_of_the_version_s_folder_is_not_opened(tmp_path: Path, name: str) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
    (tmp_path / "2" / "model.pt").touch()
    (tmp_path / "1" / "link.pt").symlink_to(tmp_path / "2" / "model.pt")
    with pytest.raises(ValueError, match="lies outside of the version's folder"):
        model_file(tmp_path / "1", name.format(tmp_path))


def test_a_version_s_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "model.pt").touch()
    (tmp_path / "1").symlink_to(tmp_path / "real")
    assert model_file(tmp_path / "1", "model.pt").is_file()


def test_weights_are_found_where_they_lie_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data/0", b"weights")
        archive.writestr("m/code/m.py", b"def forward", zipfile.ZIP_DEFLATED)
        archive.writestr("m/data/1", b"more" * 9)
        archive.writestr("m/data/2", b"packed" * 9, zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    found = [content[offset : offset + size] for offset, size in weights_in(path)]
    assert found == [b"weights", b"more" * 9]
