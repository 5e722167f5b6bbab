"""Requests to a served model: what is answered, and what becomes of a bad one."""

import asyncio
from typing import Any

import numpy as np
import pytest
from onnx import helper
from tritonclient.utils import InferenceServerException

from orchestrator.server.embedded import EmbeddedServer
from tests.integration.loading import Loaded, loaded
from tests.integration.onnx_toys import ECHO, Array, Graph

pytestmark = pytest.mark.server

BATCH = 16
PATIENCE_US = 10_000_000  # a full batch does not wait; this is for the last of its requests
BATCHES: dict[str, Any] = {"dynamic_batching": {"max_queue_delay_microseconds": PATIENCE_US}}

TEXTS = Graph(
    nodes=[helper.make_node("Identity", ["x"], ["y"])],
    inputs={"x": ["N", 2]},
    outputs={"y": ["N", 2]},
    data_type="TYPE_STRING",
)
# Fails on an index outside of the row.
PICK = Graph(
    nodes=[
        helper.make_node("Cast", ["index"], ["whole"], to=7),
        helper.make_node("GatherElements", ["x", "whole"], ["y"], axis=1),
    ],
    inputs={"x": ["N", 4], "index": ["N", 1]},
    outputs={"y": ["N", 1]},
)
# Answers every batch with one row more.
MORE = Graph(
    nodes=[helper.make_node("Concat", ["x", "row"], ["y"], axis=0)],
    inputs={"x": ["N", 4]},
    outputs={"y": ["M", 4]},
    constants={"row": np.zeros((1, 4), np.float32)},
)


def texts(*items: bytes) -> Array:
    return np.array([items], dtype=object)


async def executions(model: Loaded, expected: int) -> int:
    """How often a model ran; the server counts only after it has answered."""
    for _ in range(100):
        if await model.executions() >= expected:
            break
        await asyncio.sleep(0.05)
    return await model.executions()


@pytest.mark.parametrize("bad", [0, 7, 15])
async def test_one_bad_request_of_a_batch_of_sixteen_fails_alone(
    server: EmbeddedServer, bad: int
) -> None:
    x = np.array([[10, 11, 12, 13]], np.float32)
    indices = [99 if number == bad else number % 4 for number in range(BATCH)]
    async with loaded(server.url, PICK, PICK.config(BATCH) | BATCHES) as pick:
        calls = (pick(x=x, index=np.array([[index]], np.float32)) for index in indices)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert await executions(pick, 1) == 1
    assert isinstance(answers.pop(bad), InferenceServerException)
    picked = [float(answer["y"].item()) for answer in answers if isinstance(answer, dict)]
    assert picked == [10 + index for index in indices if index != 99]


async def test_texts_pass_through_and_one_that_is_not_utf_8_fails_alone(
    server: EmbeddedServer,
) -> None:
    sent = [texts("grüß".encode(), b""), texts(b"\xff", b"a"), texts(b"b", b"c")]
    config = TEXTS.config(len(sent)) | BATCHES
    async with loaded(server.url, TEXTS, config) as model:
        first, bad, last = await asyncio.gather(*(model(x=x) for x in sent), return_exceptions=True)
        assert await executions(model, 1) == 1
    assert "input x holds a text that is not UTF-8" in str(bad)
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    assert (first["y"].tolist(), last["y"].tolist()) == (sent[0].tolist(), sent[2].tolist())


@pytest.mark.parametrize("shape", [(4,), (1, 4, 1), (1, 5)])
async def test_a_request_of_another_shape_is_refused_and_does_not_run(
    server: EmbeddedServer, shape: tuple[int, ...]
) -> None:
    async with loaded(server.url, ECHO, ECHO.config()) as model:
        with pytest.raises(InferenceServerException, match="unexpected shape for input 'x'"):
            await model(x=np.ones(shape, np.float32))
        assert await model.executions() == 0


async def test_numbers_that_are_none_pass_through(server: EmbeddedServer) -> None:
    x = np.array([[np.nan, np.inf, -np.inf, 0]], np.float32)
    async with loaded(server.url, ECHO, ECHO.config()) as model:
        np.testing.assert_array_equal((await model(x=x))["y"], x)


async def test_an_output_with_more_rows_than_the_batch_is_an_error(
    server: EmbeddedServer,
) -> None:
    async with loaded(server.url, MORE, MORE.config()) as model:
        reason = r"output y has shape \[3, 4\] for a batch of 2"
        with pytest.raises(InferenceServerException, match=reason):
            await model(x=np.ones((2, 4), np.float32))
