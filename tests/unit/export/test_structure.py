"""What a checkpoint holds, told without torch and without running anything that it names."""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from client.errors import InputError
from export.structure import OnnxTensor, Structure, TensorInfo
from tests.unit.export import torch_files as made
from tests.unit.export import toy_family


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


def refusal(path: Path, *, max_bytes: int = 2**30) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(InputError) as raised:
        Structure.read(path, max_bytes)
    text = str(raised.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def test_a_state_dict_has_names_shapes_and_types(path: Path) -> None:
    structure = Structure.read(made.state_dict(path))
    assert structure.kind == "state-dict"
    assert structure.state() == {
        "conv.weight": TensorInfo((2, 3), "float32"),
        "conv.bias": TensorInfo((2,), "float16"),
    }


def test_reading_does_not_import_torch(path: Path) -> None:
    known = "torch" in sys.modules
    Structure.read(made.state_dict(path))
    assert ("torch" in sys.modules) == known


def test_wrapped_weights_are_found_under_their_keys_without_the_prefix_of_data_parallel(
    path: Path,
) -> None:
    weights = made.dictionary({"module.a": made.tensor("0", (2,)), "b": made.tensor("0", (2,))})
    content = made.dictionary({"net": made.dictionary({"g": weights}), "step": made.number(7)})
    structure = Structure.read(made.save(path, content, {"0": bytes(8)}))
    assert list(structure.state("net", "g")) == ["a", "b"]
    assert list(structure.state("net")) == ["g.module.a", "g.b"]
    assert structure.state("other") == {}
    assert structure.entries["step",] == 7


@pytest.mark.parametrize("package", ["core", "_core"])
def test_arrays_of_numpy_are_known_under_the_names_of_both_its_packages(
    path: Path, package: str
) -> None:
    content = made.dictionary({"mean": made.array((2, 3), package=package)})
    structure = Structure.read(made.save(path, content, {}))
    assert structure.entries["mean",] == TensorInfo((2, 3), "float32")


def test_numbers_texts_and_lists_are_plain_values(path: Path) -> None:
    content = made.dictionary(
        {"lr": made.number(3), "name": made.text("x"), "sizes": made.numbers((1, 2)), "none": b"N"}
    )
    entries = Structure.read(made.save(path, content, {})).entries
    assert entries == {("lr",): 3, ("name",): "x", ("sizes",): [1, 2], ("none",): None}


def test_a_torchscript_archive_gives_the_attributes_of_its_modules(path: Path) -> None:
    layer = (
        b"c__torch__.nn\nConv\n)\x81" + made.dictionary({"weight": made.tensor("0", (2,))}) + b"b"
    )
    model = b"c__torch__\nNet\n)\x81" + made.dictionary({"conv": layer, "training": b"\x89"}) + b"b"
    structure = Structure.read(made.save(path, model, {"0": bytes(8)}, code=b"class Net: ..."))
    assert structure.kind == "torchscript"
    assert structure.state() == {"conv.weight": TensorInfo((2,), "float32")}
    assert structure.entries["training",] is False


def test_objects_of_torchscript_are_none_of_a_state_dict(path: Path) -> None:
    model = b"c__torch__\nNet\n)\x81" + made.dictionary({}) + b"b"
    assert "asks to run __torch__.Net" in refusal(made.save(path, model, {}))


def test_an_onnx_file_gives_inputs_outputs_and_initializers(path: Path) -> None:
    onnx.save(toy_family.renderer(), path)
    structure = Structure.read(path)
    assert structure.kind == "onnx"
    assert structure.onnx_inputs == (
        OnnxTensor("face", "UINT8", (-1, 4, 4, 3)),
        OnnxTensor("features", "FP32", (-1, 6, 2)),
    )
    assert [tensor.name for tensor in structure.onnx_outputs] == ["generated"]
    assert structure.state()["gain"] == TensorInfo((), "float32")


@pytest.mark.parametrize(
    ("function", "called"),
    [
        ("builtins.eval", "builtins.eval"),
        ("__builtin__.eval", "builtins.eval"),
        ("os.system", "os.system"),
        ("posix.system", "posix.system"),
        ("models.wav2lip.Wav2Lip", "models.wav2lip.Wav2Lip"),
        ("torch.load", "torch.load"),
        ("torch._utils._rebuild_wrapper_subclass", "torch._utils._rebuild_wrapper_subclass"),
    ],
)
def test_a_file_that_asks_to_run_something_is_refused_by_its_name(
    path: Path, function: str, called: str
) -> None:
    content = made.dictionary({"w": made.called(function, made.text("raise SystemExit"))})
    assert f"asks to run {called} when it is loaded" in refusal(made.save(path, content, {}))


def test_what_is_built_in_a_file_cannot_change_what_reads_it(path: Path) -> None:
    # The state of a stand-in would be kept for all files that are read after this one.
    state = b"ctorch\nFloatStorage\n" + made.dictionary({"name": made.text("LongStorage")}) + b"b"
    refusal(made.save(path, made.dictionary({"w": state}), {}))
    assert Structure.read(made.state_dict(path)).state()["conv.weight"].dtype == "float32"


def _cut(path: Path) -> None:
    whole = made.state_dict(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _flipped(path: Path) -> None:
    data = bytearray(made.state_dict(path).read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)


def _other_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "no weights")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _random(path: Path) -> None:
    path.write_bytes(bytes(range(5, 256)) * 20)


def _cut_onnx(path: Path) -> None:
    path.write_bytes(toy_family.renderer().SerializeToString()[:-40])


def _page(path: Path) -> None:
    path.write_bytes(b"<!DOCTYPE html><html>Not found</html>")


def _pickle(path: Path) -> None:
    path.write_bytes(b"\x80\x04N.")


def _legacy_cut(path: Path) -> None:
    path.write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.")


def _too_large_for_its_record(path: Path) -> None:
    made.save(path, made.dictionary({"w": made.tensor("0", (100, 100))}), {"0": bytes(8)})


def _beyond_its_storage(path: Path) -> None:
    content = made.dictionary({"w": made.tensor("0", (2,), count=2, offset=1)})
    made.save(path, content, {"0": bytes(8)})


def _without_record(path: Path) -> None:
    made.save(path, made.dictionary({"w": made.tensor("7", (2,))}), {})


def _negative(path: Path) -> None:
    made.save(path, made.dictionary({"w": made.tensor("0", (-2,), count=2)}), {"0": bytes(8)})


def _one_tensor(path: Path) -> None:
    made.save(path, made.tensor("0", (2,)), {"0": bytes(8)})


def _endless(path: Path) -> None:
    # Ten dictionaries, each of which holds the next one ten times: 10^10 entries.
    content = made.number(0)
    for index in range(10):
        again = f"p{index}\n".encode()
        got = f"g{index}\n".encode()
        items = b"".join(
            made.text(str(key)) + (content + again if key == 0 else got) for key in range(10)
        )
        content = b"}(" + items + b"u"
    made.save(path, content, {})


def _list_of_itself(path: Path) -> None:
    made.save(path, made.dictionary({"x": b"]q\x01h\x01a"}), {})


def _bomb(path: Path) -> None:
    made.save(path, made.dictionary({}), {"0": bytes(2**27)}, compression=zipfile.ZIP_DEFLATED)


def _memo_bomb(path: Path) -> None:
    made.save(path, made.number(1) + b"r\xff\xff\xff\xff" + b"0}", {})


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (_cut, "cut off or damaged"),
        (_flipped, "damaged"),
        (_other_archive, "none of torch.save"),
        (_empty, "is empty"),
        (_random, "of no known kind"),
        (_cut_onnx, "cut off or damaged"),
        (_page, "a web page"),
        (_pickle, "a pickle that torch.save did not write"),
        (_legacy_cut, "damaged"),
        (_too_large_for_its_record, "has 8 bytes, but its tensors are declared with 40000"),
        (_beyond_its_storage, "needs more numbers than its storage"),
        (_without_record, "has 0 bytes"),
        (_negative, "damaged"),
        (_one_tensor, "holds one tensor"),
        (_endless, "nested without end"),
        (_bomb, "would unpack from"),
    ],
)
@pytest.mark.timeout(60)
def test_a_file_that_is_no_checkpoint_is_refused_in_one_sentence(
    path: Path, write: Callable[[Path], None], told: str
) -> None:
    write(path)
    assert told in refusal(path)


def test_a_list_that_holds_itself_is_one_entry(path: Path) -> None:
    _list_of_itself(path)
    assert list(Structure.read(path).entries) == [("x",)]


def test_a_memo_number_reserves_no_memory(path: Path) -> None:
    _memo_bomb(path)
    assert Structure.read(path).entries == {}


def test_a_folder_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)
    assert "does not exist" in refusal(tmp_path / "missing.pt")


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(path: Path) -> None:
    made.state_dict(path)
    assert "--max-size-gib" in refusal(path, max_bytes=100)


def test_an_archive_of_too_many_files_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.archive.MAX_MEMBERS", 3)
    assert "has 4 files in it" in refusal(made.state_dict(path))
