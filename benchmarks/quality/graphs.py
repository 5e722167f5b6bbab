"""Versions of the renderer in this process, in the place of a served one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.sync.faces import session
from client.constant import Constant
from client.errors import InputError
from client.tensors import Array

RUNS: Final = 30


class Graph:
    """One ONNX file of `landmark2face`, on one thread.

    Attributes:
        name: Its version, or the name of its file.
        inputs: The names of its inputs.
    """

    def __init__(self, path: Path) -> None:
        """Loads a file.

        Raises:
            InputError: If there is none, or it is no renderer.
        """
        self._session = session(path)
        self.name = f"version {path.parent.name}" if path.stem == "model" else path.stem
        self.inputs: Mapping[str, object] = {i.name: i for i in self._session.get_inputs()}
        self._outputs = [output.name for output in self._session.get_outputs()]
        if not {"features", "mesh"} <= self.inputs.keys():
            raise InputError(f"{path} is no landmark2face: it takes {sorted(self.inputs)}.")

    async def __call__(
        self, constant: Constant | None = None, /, **inputs: Array
    ) -> dict[str, Array]:
        """Runs it as a served model is run."""
        lent = dict(constant.inputs) if constant else {}
        return await asyncio.to_thread(self.run, lent | inputs)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Returns the outputs by name."""
        return dict(zip(self._outputs, self._session.run(self._outputs, inputs), strict=True))

    def cost_ms(self, inputs: Mapping[str, Array]) -> float:
        """Median time of one face, on one thread."""
        times_ms = []
        for _ in range(RUNS):
            started_s = time.perf_counter()
            self.run(inputs)
            times_ms.append((time.perf_counter() - started_s) * 1e3)
        return float(np.median(times_ms))
