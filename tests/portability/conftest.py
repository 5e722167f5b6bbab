"""The two runtimes in which every model must give the same numbers."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.portability.runtimes import Answers, Arrays, answers, require_oldest, run


@pytest.fixture(scope="session")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What every case gives under the oldest runtime."""
    return answers(require_oldest(), tmp_path_factory.mktemp("oldest"))


@pytest.fixture(scope="session")
def current(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What every case gives under the application's runtime."""
    return answers(sys.executable, tmp_path_factory.mktemp("current"))


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[[Path, Arrays], dict[str, Any]]:
    """Runs one model under the oldest runtime."""

    def run_one(model: Path, inputs: Arrays) -> dict[str, Any]:
        np.savez(tmp_path / "in.npz", allow_pickle=False, **inputs)
        paths = {"inputs": str(tmp_path / "in.npz"), "outputs": str(tmp_path / "out.npz")}
        (told,) = run(require_oldest(), [{"model": str(model)} | paths])
        return told

    return run_one
