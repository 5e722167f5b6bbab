"""ONNX models under a real tritonserver, through the python-based `onnxruntime` backend."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from client.connection import Connection
from client.errors import InferenceError, ServerError
from client.model import ServedModel
from client.tensors import Array
from orchestrator.server.embedded import EmbeddedServer
from tests.integration.counting import counted
from tests.integration.toy_models import write_echo

pytestmark = pytest.mark.server


@pytest.fixture
async def connection(server: EmbeddedServer) -> AsyncIterator[Connection]:
    async with Connection(server.url) as connection:
        yield connection


def row(value: float) -> Array:
    return np.full((1, 4), value, np.float32)


async def test_a_batch_comes_back_as_it_went_in(connection: Connection) -> None:
    echo = await ServedModel.open(connection, "echo")
    x = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    np.testing.assert_array_equal((await echo(x=x))["y"], x)


async def test_inputs_are_told_apart_by_name(connection: Connection) -> None:
    add = await ServedModel.open(connection, "add")
    a, b = np.array([[1, 2, 3]], np.int32), np.array([[10, 20, 30]], np.int32)
    np.testing.assert_array_equal((await add(a=a, b=b))["sum"], [[11, 22, 33]])


async def test_single_requests_at_the_same_time_share_runs(connection: Connection) -> None:
    echo = await ServedModel.open(connection, "echo")
    before = await echo.batching()
    answers = await asyncio.gather(*(echo(x=row(n)) for n in range(16)))
    batching = await counted(echo, before, inferences=16)
    assert batching.mean_batch >= 2
    for n, answer in enumerate(answers):
        np.testing.assert_array_equal(answer["y"], row(n))


async def test_a_bad_request_fails_alone_among_its_batch_mates(connection: Connection) -> None:
    pick = await ServedModel.open(connection, "pick")
    before = await pick.batching()
    indices = [0, 1, 99, 2, 3]
    x = np.array([[10, 11, 12, 13]], np.float32)
    answers = await asyncio.gather(
        *(pick(x=x, index=np.array([[index]], np.int64)) for index in indices),
        return_exceptions=True,
    )
    assert isinstance(answers.pop(2), InferenceError)
    picked = [float(answer["picked"].item()) for answer in answers if isinstance(answer, dict)]
    assert picked == [10, 11, 12, 13]
    assert (await counted(pick, before, inferences=5)).executions == 1


async def test_a_model_that_loses_the_batch_axis_is_named(connection: Connection) -> None:
    first = await ServedModel.open(connection, "first")
    with pytest.raises(InferenceError, match=r"output first has shape \[1, 4\] for a batch of 3"):
        await first(x=np.ones((3, 4), np.float32))


def replaced(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = folder / "config.pbtxt"
        text = config.read_text()
        assert old in text
        config.write_text(text.replace(old, new, 1))

    return change


def without_version(folder: Path) -> None:
    (folder / "1" / "model.onnx").unlink()
    (folder / "1").rmdir()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (replaced('name: "y"', 'name: "z"'), "config.pbtxt declares output z"),
        (replaced("max_batch_size: 8", "max_batch_size: x"), "Expected integer, got: x"),
        (without_version, "at least one version must be available"),
    ],
)
async def test_a_model_that_does_not_load_is_named_with_the_reason(
    repository: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(write_echo(repository))
    with pytest.raises(ServerError, match=reason) as caught:
        await EmbeddedServer.start(repository)
    assert "'echo'" in str(caught.value)
    assert "\n" not in str(caught.value)
