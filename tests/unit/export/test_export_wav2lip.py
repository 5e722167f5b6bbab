"""Wav2Lip: the original's numbers, as the checkpoints of its training hold them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")

from client.errors import InputError
from export.checkpoint import Checkpoint
from export.families import families
from export.families.wav2lip.build import build
from export.onnx_network import run_session, session
from export.torch_network import TorchNetwork, run_torchscript
from tests.unit.export.golden_wav2lip import wav2lip_checkpoint, wav2lip_state
from tests.unit.export.golden_wenet import golden, recipe

LIMIT = 1e-4


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wav2lip_checkpoint(tmp_path_factory.mktemp("wav2lip") / "wav2lip_gan.pth")


def inputs() -> dict[str, NDArray[Any]]:
    make = recipe()
    face = make.smooth_image("face", (2, 3, 96, 96))
    masked = face.copy()
    masked[:, :, 48:] = 0
    mel = make.normal_input("mel", (2, 1, 80, 16), 2.0)
    return {"mel": mel, "faces": np.concatenate((masked, face), 1)}


def test_the_network_gives_the_numbers_of_the_original(checkpoint: Path) -> None:
    expected = golden("E_wav2lip/golden_wav2lip.npz")["output"]
    core: Any = build(Checkpoint.open(checkpoint), {}).core
    assert np.abs(core.run(inputs())["drawn"] - expected).max() <= 1e-5


@pytest.mark.parametrize("rows", [[0], [0, 1], [1, 0, 1, 1, 0]], ids=["1", "2", "5"])
def test_the_written_network_gives_them_too(
    rows: list[int], checkpoint: Path, tmp_path: Path
) -> None:
    expected = golden("E_wav2lip/golden_wav2lip.npz")["output"]
    core: Any = build(Checkpoint.open(checkpoint), {}).core
    core.write_onnx(tmp_path / "core.onnx", inputs())
    arrays = {name: array[rows] for name, array in inputs().items()}
    found: Any = run_session(session(tmp_path / "core.onnx"), core.outputs, arrays)["drawn"]
    assert np.abs(found - expected[rows]).max() <= LIMIT


def test_float16_is_off_by_less_than_a_level(checkpoint: Path, tmp_path: Path) -> None:
    expected = golden("E_wav2lip/golden_wav2lip.npz")["output"]
    core: Any = build(Checkpoint.open(checkpoint), {}).core.in_half()  # type: ignore[attr-defined]
    core.write_onnx(tmp_path / "core.onnx", inputs())
    found: Any = run_session(session(tmp_path / "core.onnx"), core.outputs, inputs())["drawn"]
    assert np.abs(found - expected).max() <= 1 / 255
    assert (tmp_path / "core.onnx").stat().st_size < 0.55 * checkpoint.stat().st_size


@pytest.mark.parametrize("batch", [1, 5])
def test_a_traced_model_gives_the_same_pictures(
    batch: int, checkpoint: Path, tmp_path: Path
) -> None:
    built = build(Checkpoint.open(checkpoint), {})
    served: Any = built.served
    served.write_torchscript(tmp_path / "model.pt", built.examples(2))
    arrays = built.examples(batch)
    found = run_torchscript(tmp_path / "model.pt", served.inputs, served.outputs, arrays)
    expected = served.run(arrays)["generated"]
    assert np.abs(found["generated"].astype(int) - expected).max() <= 1


def test_the_upper_half_is_seen_and_the_lower_half_only_as_reference(checkpoint: Path) -> None:
    class Seen(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, mel: Any, faces: Any) -> Any:
            self.mel, self.faces = mel, faces
            return faces[:, 3:]

    built: Any = build(Checkpoint.open(checkpoint), {})
    served, seen = built.served.module, Seen()
    core, served.core = served.core, seen
    arrays = built.examples(1)
    drawn = built.served.run(arrays)["generated"]
    served.core = core
    face = arrays["face"][0]
    blue = seen.faces[0, 0].numpy() * 255
    assert blue[:48] == pytest.approx(face[:48, :, 2], abs=1e-3)
    assert not blue[48:].any()
    assert seen.faces[0, 5].numpy() * 255 == pytest.approx(face[..., 0], abs=1e-3)
    assert seen.mel[0, 0, 3, 7] == arrays["features"][0, 3 * 16 + 7, 0]
    assert np.abs(drawn[0].astype(int) - face).max() <= 1


@pytest.mark.parametrize("prefix", ["", "module."])
def test_it_is_known_in_every_wrapping(prefix: str, tmp_path: Path) -> None:
    wrapped = Checkpoint.open(wav2lip_checkpoint(tmp_path / "wrapped.pth", prefix))
    state = {prefix + key: torch.from_numpy(np.array(v)) for key, v in wav2lip_state().items()}
    torch.save(state, tmp_path / "bare.pth")
    bare = Checkpoint.open(tmp_path / "bare.pth")
    for file in (wrapped, bare):
        known = [f.name for f in families() if f.role and f.recognises(file.structure)]
        assert known == ["wav2lip"]
        assert np.abs(build(file, {}).core.run(inputs())["drawn"]).max() <= 1


def test_an_archive_of_torchscript_is_the_same_network(checkpoint: Path, tmp_path: Path) -> None:
    core: Any = build(Checkpoint.open(checkpoint), {}).core
    assert isinstance(core, TorchNetwork)
    tensors = tuple(torch.from_numpy(array) for array in inputs().values())
    torch.jit.save(torch.jit.trace(core.module, tensors), str(tmp_path / "traced.pt"))
    again = build(Checkpoint.open(tmp_path / "traced.pt"), {}).core
    assert np.array_equal(again.run(inputs())["drawn"], core.run(inputs())["drawn"])


def test_another_size_is_refused_in_a_sentence(tmp_path: Path) -> None:
    state = {key: torch.from_numpy(np.array(v)) for key, v in wav2lip_state().items()}
    state["output_block.1.weight"] = torch.zeros(3, 64, 1, 1)
    torch.save(state, tmp_path / "large.pth")
    with pytest.raises(InputError, match=r"output_block\.1\.weight is \[3, 64, 1, 1\] instead"):
        build(Checkpoint.open(tmp_path / "large.pth"), {})
