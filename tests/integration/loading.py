"""Models that a running server is handed through its repository interface, and takes back."""

import atexit
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import tritonclient.grpc.aio as triton
from tritonclient.utils import np_to_triton_dtype

from client.control import Control
from orchestrator.server.stubs import STUB
from tests.integration.onnx_toys import FILE, Array, Graph

LOAD_TIMEOUT_S = 60.0
REQUEST_TIMEOUT_S = 60.0

_PREFIX = f"toy{os.getpid()}x"

_numbers = count()


@dataclass(frozen=True)
class Loaded:
    """A model that a server serves for the time of a test."""

    client: triton.InferenceServerClient
    name: str

    async def __call__(self, **inputs: Array) -> dict[str, Array]:
        """Runs it; names of outputs are those of its answer."""
        sent = []
        for name, array in inputs.items():
            tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
            sent.append(tensor.set_data_from_numpy(array))
        result = await self.client.infer(self.name, sent, client_timeout=REQUEST_TIMEOUT_S)
        names = [output.name for output in result.get_response().outputs]
        return {name: result.as_numpy(name) for name in names}

    async def executions(self) -> int:
        """How often the model ran."""
        reply = await self.client.get_inference_statistics(self.name, "1")
        return int(reply.model_stats[0].execution_count)

    def processes(self) -> list[int]:
        """The processes of its instances."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile
                words = (folder / "cmdline").read_text(errors="replace").split("\0")
                if Path(words[0]).name == STUB and any(
                    word.startswith(f"{self.name}_") for word in words
                ):
                    found.append(int(folder.name))
        return sorted(found)


@asynccontextmanager
async def loaded(
    url: str,
    graph: Graph | bytes,
    config: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
) -> AsyncIterator[Loaded]:
    """Has a server serve a model for as long as the block runs.

    Args:
        url: The server's gRPC endpoint.
        graph: The model, or what stands in its file.
        config: Its configuration.
        files: Its files, where they are others than one `1/model.onnx`.

    Raises:
        InferenceServerException: If it does not load.
    """
    content = graph.file() if isinstance(graph, Graph) else graph
    files = {FILE: content} if files is None else files
    name = f"{_PREFIX}{next(_numbers)}"
    async with Control(url) as control:
        headers = control.endpoint.restricted_headers()
        async with triton.InferenceServerClient(**control.endpoint.client_options()) as client:
            try:
                await client.load_model(
                    name,
                    headers=headers,
                    config=json.dumps({"name": name, **config}),
                    files={f"file:{path}": data for path, data in files.items()},
                    client_timeout=LOAD_TIMEOUT_S,
                )
                yield Loaded(client, name)
            finally:
                await client.unload_model(name, headers=headers)


def _sweep() -> None:
    """Removes files of models that a server was still to remove when it was ended."""
    for config in Path("/tmp").glob("folder*/config.pbtxt"):  # noqa: S108 - Triton has no other place
        with suppress(OSError):
            if f'name: "{_PREFIX}' in config.read_text(encoding="utf-8", errors="replace"):
                shutil.rmtree(config.parent)


atexit.register(_sweep)
