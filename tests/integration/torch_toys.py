"""TorchScript models for tests, made by the python of the embedded server's environment."""

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from client.errors import ServerError
from orchestrator.server.runtime import CHECKOUT, find_runtime
from tests.integration.loading import Loaded, loaded

RECIPES = Path(__file__).with_name("torch_recipes.py")
FILE = "1/model.pt"
TIMEOUT_S = 120.0

FIND_TORCH = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"

Entry: TypeAlias = Sequence[int] | Mapping[str, Any]  # dims of FP32, or whatever differs


@cache
def has_torch() -> bool:
    """Whether the embedded server's environment has torch."""
    try:
        return run_python("-c", FIND_TORCH).returncode == 0
    except ServerError:
        return False


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the python of the embedded server's environment, with the checkout's packages."""
    python = find_runtime().root / "bin" / "python"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [python, "-W", "ignore", *arguments],
        capture_output=True,
        check=False,
        env=environment,
        text=True,
        timeout=TIMEOUT_S,
    )


needs_torch = pytest.mark.skipif(
    not has_torch(), reason="the embedded server's environment has no torch: run make torch"
)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """The files of all recipes, until the tests end."""
    folder = tempfile.TemporaryDirectory(prefix="torch-toys-")
    done = run_python(str(RECIPES), folder.name)
    assert done.returncode == 0, done.stderr
    return folder


def script(name: str, suffix: str = "pt") -> bytes:
    """The file that a recipe wrote."""
    return Path(_folder().name, f"{name}.{suffix}").read_bytes()


def config(
    inputs: Mapping[str, Entry],
    outputs: Mapping[str, Entry],
    *,
    max_batch_size: int = 8,
    **fields: Any,
) -> dict[str, Any]:
    """A whole configuration; one instance on the CPU, no accelerators.

    Args:
        inputs: By name, dims of FP32 or the fields that differ.
        outputs: The same.
        max_batch_size: 0 for none.
        **fields: Further fields.
    """
    return {
        "backend": "pytorch",
        "max_batch_size": max_batch_size,
        "input": [_entry(*item) for item in inputs.items()],
        "output": [_entry(*item) for item in outputs.items()],
        "instance_group": [{"count": 1, "kind": "KIND_CPU"}],
        **fields,
    }


@asynccontextmanager
async def served(url: str, recipe: str, config: Mapping[str, Any]) -> AsyncIterator[Loaded]:
    """Has a server serve a recipe's model for as long as the block runs."""
    async with loaded(url, b"", config, {FILE: script(recipe)}) as model:
        yield model


def _entry(name: str, entry: Entry) -> dict[str, Any]:
    fields = entry if isinstance(entry, Mapping) else {"dims": list(entry)}
    return {"name": name, "data_type": "TYPE_FP32", **fields}
