"""A checkpoint's weights, loaded as they were saved, and nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper

from client.errors import InputError
from export.checkpoint import Checkpoint
from tests.unit.export import toy_family

torch = pytest.importorskip("torch")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


def network() -> Any:
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    net[1].running_mean.normal_()
    return net.eval()


def assert_same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert list(found) == list(wanted)
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("is_zip", [True, False])
def test_wrapped_weights_are_those_that_were_saved(path: Path, is_zip: bool) -> None:
    state = network().state_dict()
    wrapped = {"net": {f"module.{name}": t for name, t in state.items()}, "step": 7}
    torch.save(wrapped, path, _use_new_zipfile_serialization=is_zip)
    checkpoint = Checkpoint.open(path)
    assert_same(checkpoint.state("net"), state)
    shapes = {n: tuple(t.shape) for n, t in state.items()}
    assert {n: t.shape for n, t in checkpoint.structure.state("net").items()} == shapes
    assert checkpoint.value("step") == 7


def test_a_bare_state_dict_keeps_views_and_types(path: Path) -> None:
    base = torch.arange(12, dtype=torch.float16).reshape(3, 4)
    state = {"turned": base.T, "column": base[:, 1], "low": base.bfloat16(), "one": base[0, 0]}
    torch.save(state, path)
    assert_same(Checkpoint.open(path).state(), state)


def test_arrays_and_numbers_of_numpy_are_values(path: Path) -> None:
    mean = np.arange(6, dtype=np.float32).reshape(2, 3)
    torch.save({"mean": mean, "scale": np.float64(0.5), "tensor": torch.ones(2)}, path)
    checkpoint = Checkpoint.open(path)
    assert np.array_equal(checkpoint.value("mean"), mean)  # type: ignore[arg-type]
    assert checkpoint.value("scale") == checkpoint.structure.entries["scale",] == 0.5
    assert np.array_equal(checkpoint.value("tensor"), [1, 1])  # type: ignore[arg-type]


def test_a_torchscript_archive_gives_the_weights_of_its_module(path: Path) -> None:
    net = network()
    torch.jit.save(torch.jit.trace(net, torch.zeros(1, 3, 5, 5)), path)
    checkpoint = Checkpoint.open(path)
    assert checkpoint.structure.kind == "torchscript"
    assert_same(checkpoint.state(), net.state_dict())
    assert_same(checkpoint.state("1"), net[1].state_dict())


def test_the_weights_of_an_onnx_file_are_its_initializers(tmp_path: Path) -> None:
    path = toy_family.save_checkpoint(tmp_path / "toy.onnx", 0.25)
    assert_same(Checkpoint.open(path).state(), {"gain": torch.tensor(0.25)})


def test_what_is_not_there_is_told_with_what_is(path: Path) -> None:
    torch.save({"weights": {"a": torch.ones(1)}}, path)
    checkpoint = Checkpoint.open(path)
    with pytest.raises(InputError, match=r"no weights under 'net'.*weights\.a"):
        checkpoint.state("net")
    with pytest.raises(InputError, match=r"nothing under 'epoch'.*weights\.a"):
        checkpoint.value("epoch")
    with pytest.raises(InputError, match="no ONNX file"):
        checkpoint.onnx()


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("1/0",)


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_pickle_with_code_is_refused_before_torch_sees_it(path: Path, is_zip: bool) -> None:
    torch.save({"w": _Runs()}, path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(InputError, match=r"asks to run builtins\.eval"):
        Checkpoint.open(path)


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_whole_pickled_module_is_refused_with_what_to_do(path: Path, is_zip: bool) -> None:
    torch.save(network(), path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(InputError, match=r"asks to run torch\.nn\.\S+ .*state_dict\(\)"):
        Checkpoint.open(path)


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("part", [0.2, 0.6, 0.98])
def test_a_cut_file_is_refused_in_one_sentence(path: Path, is_zip: bool, part: float) -> None:
    torch.save(network().state_dict(), path, _use_new_zipfile_serialization=is_zip)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(InputError, match="damaged"):
        Checkpoint.open(path)


def external(path: Path, location: str) -> None:
    """Writes a model whose gain lies in another file."""
    model = toy_family.core()
    gain = model.graph.initializer[0]
    external_data_helper.set_external_data(gain, location, offset=0, length=4)
    gain.ClearField("raw_data")
    gain.data_location = TensorProto.EXTERNAL
    onnx.save(model, path)


def test_weights_beside_an_onnx_file_are_loaded(tmp_path: Path) -> None:
    external(tmp_path / "m.onnx", "m.data")
    (tmp_path / "m.data").write_bytes(np.float32(0.75).tobytes())
    assert Checkpoint.open(tmp_path / "m.onnx").state()["gain"] == 0.75


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "link"])
def test_weights_outside_of_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(8))
    (folder / "link").symlink_to(tmp_path / "secret")
    external(folder / "m.onnx", location)
    with pytest.raises(InputError, match="outside of its own folder"):
        Checkpoint.open(folder / "m.onnx").onnx()


@pytest.mark.parametrize("size", [None, 3])
def test_weights_that_are_missing_or_cut_are_told(tmp_path: Path, size: int | None) -> None:
    external(tmp_path / "m.onnx", "m.data")
    if size is not None:
        (tmp_path / "m.data").write_bytes(bytes(size))
    with pytest.raises(InputError, match="not there, or not whole"):
        Checkpoint.open(tmp_path / "m.onnx").onnx()
