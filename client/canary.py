"""Proof that models answer: readiness alone does not see a dead backend process."""

import asyncio
from collections.abc import Sequence

import numpy as np
import tritonclient.grpc.aio as triton

from client.concurrency import first_cause
from client.connection import Connection
from client.endpoint import Access
from client.errors import InferenceError
from client.model import ServedModel
from client.tensors import Array, TensorSpec


async def check_models(
    url: str, names: Sequence[str], *, timeout_s: float, access: Access | None = None
) -> None:
    """Runs one inference of every named model.

    Args:
        url: gRPC endpoint as host:port.
        names: Models to prove.
        timeout_s: How long a model may finish no batch; 20 of its batches at least.
        access: What is shown to the server.

    Raises:
        ServerError: If no server answers.
        InferenceError: If a model fails or answers with numbers that are not finite.
    """
    async with Connection(url, access=access) as connection:
        with first_cause():
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(_check(connection, name, timeout_s))


async def ask(connection: Connection, name: str, version: str) -> None:
    """Runs one inference of a version, however long it takes; cancelling does not wait for it.

    Raises:
        ContractError: If the model is none of this project's.
        ServerError: If the server is away, does not serve the version, or its process is dead.
        InferenceError: If the model fails.
    """
    model = await ServedModel.open(connection, name, version)
    await connection.infer(name, version, [_tensor(spec) for spec in model.inputs.values()])


async def _check(connection: Connection, name: str, timeout_s: float) -> None:
    model = await ServedModel.open(connection, name, stall_s=timeout_s)
    outputs = await model(**{n: _blank(spec) for n, spec in model.inputs.items()})
    for output, array in outputs.items():
        if not np.all(np.isfinite(array)):
            raise InferenceError(
                f"{name} version {model.version} answers {output} with numbers that are not finite."
            )


def _blank(spec: TensorSpec) -> Array:
    return np.zeros((1, *(max(extent, 1) for extent in spec.shape)), spec.dtype)


def _tensor(spec: TensorSpec) -> triton.InferInput:
    row = _blank(spec)
    tensor = triton.InferInput(spec.name, list(row.shape), spec.datatype)
    tensor.set_data_from_numpy(row)
    return tensor
