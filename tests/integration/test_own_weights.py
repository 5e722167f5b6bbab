"""Checkpoints as training saves them become videos: by the printed commands, on the real server.

Their weights are made from their names, so that what they paint means nothing; that everything
fits together is what counts.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from orchestrator.media.info import probe_video
from orchestrator.server.runtime import CHECKOUT
from orchestrator.settings import HOME_VARIABLE
from tests.unit.export.golden_dinet import dinet_checkpoint, dinet_v1_checkpoint
from tests.unit.export.golden_wav2lip import wav2lip_checkpoint
from tests.unit.export.golden_wenet import wenet_checkpoint

pytest.importorskip("torch", reason="torch is not installed")

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]

DATA = Path(__file__).parents[1] / "data"
FRAMES = 5
DEEPSPEECH_S, DEEPSPEECH_WIDTH = 4, 29


@dataclass(frozen=True)
class Profile:
    """A profile of `configs/` and how its models are made.

    Attributes:
        name: Its name.
        exports: Makes the arguments of its exports in a folder for checkpoints.
    """

    name: str
    exports: Callable[[Path], list[list[str]]]


def _heygem(folder: Path) -> list[list[str]]:
    encoder = wenet_checkpoint(folder / "wenetmodel.pt", 2)
    renderer = dinet_v1_checkpoint(folder / "dinet_v1_20240131.pth")
    return [["wenet", "--checkpoint", str(encoder)], ["dinet-v1", "--checkpoint", str(renderer)]]


def _dinet(folder: Path) -> list[list[str]]:
    renderer = dinet_checkpoint(folder / "clip_training_DINet_256mouth.pth")
    config = folder / "deepspeech.yaml"
    context = "left_context: 0, right_context: 0, sample_rate: 16000"
    config.write_text(
        "licence: none, it is made by a test\nfeature_kind: deepspeech-29\n"
        f"window: {{core: {DEEPSPEECH_S * 16_000}, {context}}}\n",
        encoding="utf-8",
    )
    adopted = ["adopt", "--role", "wenet", "--checkpoint", str(_deepspeech(folder))]
    adopted += ["--config", str(config), "--model-name", "deepspeech"]
    return [adopted, ["dinet", "--checkpoint", str(renderer)]]


def _wav2lip(folder: Path) -> list[list[str]]:
    generator = wav2lip_checkpoint(folder / "wav2lip_gan.pth")
    return [["wav2lip", "--checkpoint", str(generator)], ["wav2lip-mel"]]


def _deepspeech(folder: Path) -> Path:
    """An encoder of the shapes of DeepSpeech: loudness, 25 times a second, in every column."""
    rows, window = DEEPSPEECH_S * 25, DEEPSPEECH_S * 16_000
    nodes = [
        helper.make_node("Abs", ["speech"], ["loud"]),
        helper.make_node("Reshape", ["loud", "shape"], ["parts"]),
        helper.make_node("ReduceMean", ["parts"], ["means"], axes=[2], keepdims=1),
        helper.make_node("Expand", ["means", "wide"], ["features"]),
    ]
    constants = [
        helper.make_tensor("shape", TensorProto.INT64, [3], [0, rows, window // rows]),
        helper.make_tensor("wide", TensorProto.INT64, [3], [1, 1, DEEPSPEECH_WIDTH]),
    ]
    taken = helper.make_tensor_value_info("speech", TensorProto.FLOAT, ["batch", window])
    given = helper.make_tensor_value_info(
        "features", TensorProto.FLOAT, ["batch", rows, DEEPSPEECH_WIDTH]
    )
    graph = helper.make_graph(nodes, "deepspeech", [taken], [given], constants)
    path = folder / "deepspeech.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project of its own, with the built-in models."""
    if not (CHECKOUT / ".triton").is_dir():
        pytest.skip("the embedded server's environment .triton does not exist: run make setup")
    folder = tmp_path / "home"
    (folder / "model_repository").mkdir(parents=True)
    (folder / "configs").symlink_to(CHECKOUT / "configs")
    for config in CHECKOUT.glob("model_repository/*/config.pbtxt"):
        name = config.parent.name
        (folder / "model_repository" / name).symlink_to(config.parent)
    return folder


def run(home: Path, *arguments: str) -> str:
    environment = os.environ | {HOME_VARIABLE: str(home), "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "profile",
    [Profile("heygem", _heygem), Profile("dinet", _dinet), Profile("wav2lip", _wav2lip)],
    ids=lambda profile: profile.name,
)
def test_checkpoints_become_a_video(profile: Profile, home: Path) -> None:
    for arguments in profile.exports(home):
        run(home, "export", *arguments)

    output = home / "talking.mp4"
    job = ["generate", "--profile", profile.name, "--output", str(output), "--json"]
    job += ["--video", str(DATA / "portrait.mp4"), "--audio", str(DATA / "speech.wav")]
    report = json.loads(
        run(home, "orchestrator", *job, "--duration", str(FRAMES / 25), "--when-longer", "cut")
    )

    assert report["frames"] == report["frames_with_face"] == FRAMES
    assert probe_video(output).frame_count == FRAMES
    run(home, "orchestrator", "validate", "model_repository", "--profile", profile.name)
