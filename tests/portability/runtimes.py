"""What is run under the two runtimes, and how."""

import json
import subprocess
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient.grpc import model_config_pb2

from orchestrator.server.runtime import CHECKOUT

Arrays = dict[str, NDArray[Any]]

text_format: Any = import_module("google.protobuf.text_format")  # comes without types

REPOSITORY = CHECKOUT / "model_repository"
OLDEST_PYTHON = CHECKOUT / ".portability" / "bin" / "python"
SCRIPT = Path(__file__).with_name("run_models.py")
TIMEOUT_S = 240.0


@dataclass(frozen=True)
class Case:
    """One version of a model with a batch to run.

    Attributes:
        folder: The version's folder.
        rows: How many rows the batch has.
    """

    folder: Path
    rows: int

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}-{self.folder.name}-batch-{self.rows}"

    def golden(self, kind: str) -> Arrays:
        """Golden arrays, `input` or `output`, repeated until the batch is full."""
        with np.load(self.folder / "golden.npz") as arrays:
            return {
                key.removeprefix(f"{kind}_"): np.resize(value, (self.rows, *value.shape[1:]))
                for key, value in arrays.items()
                if key.startswith(f"{kind}_")
            }


@dataclass(frozen=True)
class Answer:
    """What a runtime made of a case."""

    told: dict[str, Any]
    outputs: Arrays


Answers = dict[str, Answer]


def config_of(folder: Path) -> Any:
    """The configuration beside a version, as Triton parses it."""
    text = (folder.parent / "config.pbtxt").read_text(encoding="utf-8")
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def _cases() -> list[Case]:
    folders = sorted(path.parent for path in REPOSITORY.glob("*/[0-9]*/model.onnx"))
    return [Case(f, n) for f in folders for n in (1, config_of(f).max_batch_size)]


CASES = _cases()


def run(python: Path | str, runs: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Runs models under the ONNX Runtime of a Python; returns what it tells of each."""
    done = subprocess.run(
        [str(python), "-I", str(SCRIPT)],
        input=json.dumps(runs),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def require_oldest() -> Path:
    if not OLDEST_PYTHON.exists():
        pytest.skip("there is no .portability with the oldest ONNX Runtime: run make test")
    return OLDEST_PYTHON


def answers(python: Path | str, folder: Path) -> Answers:
    runs = [_prepare(case, folder) for case in CASES]
    told = run(python, runs)
    return {
        case.name: Answer(tale, _read(Path(each["outputs"])))
        for case, each, tale in zip(CASES, runs, told, strict=True)
    }


def _prepare(case: Case, folder: Path) -> dict[str, str]:
    inputs = folder / f"{case.name}.inputs.npz"
    np.savez(inputs, allow_pickle=False, **case.golden("input"))
    return {
        "model": str(case.folder / "model.onnx"),
        "inputs": str(inputs),
        "outputs": str(folder / f"{case.name}.outputs.npz"),
    }


def _read(path: Path) -> Arrays:
    if not path.exists():
        return {}
    with np.load(path) as arrays:
        return dict(arrays)
