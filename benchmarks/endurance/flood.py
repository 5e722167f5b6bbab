"""Asks one loaded model very often, half over shared memory and half in messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.endurance.cycles import SAMPLES, WAYS, Tell
from benchmarks.endurance.models import KEPT, product_input, product_weights
from benchmarks.endurance.readings import Subject
from benchmarks.endurance.trend import Sample
from client.connection import Connection
from client.control import Control
from client.errors import InferenceError
from client.model import ServedModel
from orchestrator.server.embedded import EmbeddedServer

IN_FLIGHT: Final = 32


async def run_requests(repository: Path, requests: int, tell: Tell) -> list[Sample]:
    """Makes about so many requests of one row on a server of their own.

    A sample is taken whenever each way had its turn, while no request is under way.

    Raises:
        LipSyncError: If a request fails, an answer is wrong, or the server counts others.
    """
    samples: list[Sample] = []
    turn = max(1, requests // (SAMPLES * len(WAYS)))
    all_turns = turn * len(WAYS)
    async with await EmbeddedServer.start(repository, models=[KEPT]) as server:
        subject, before = Subject.of(server), await counted(server)
        async with opened(server.url) as models:
            for done in range(all_turns, requests + 1, all_turns):
                for model in models:
                    await ask(model, turn)
                samples.append(Sample(done, subject.read()))
                tell(samples[-1])
        await check_count(server, before, all_turns * len(samples))
    return samples


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[list[ServedModel]]:
    """Opens the model over every way."""
    async with AsyncExitStack() as stack:
        links = [await stack.enter_async_context(Connection(url, transport=way)) for way in WAYS]
        yield [await ServedModel.open(link, KEPT) for link in links]


async def ask(model: ServedModel, count: int) -> None:
    """Makes so many requests, `IN_FLIGHT` at once, and checks every answer.

    Raises:
        LipSyncError: If one fails or its answer is wrong.
    """
    turns, x, weights = iter(range(count)), product_input(), product_weights()
    y = x @ weights

    async def work() -> None:
        for turn in turns:
            answer = await model(x=x * np.float32(1 + turn % 7))
            if not np.array_equal(answer["y"], y * np.float32(1 + turn % 7)):
                raise InferenceError(f"{model.name} gave a wrong answer to request {turn}.")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(IN_FLIGHT):
            tasks.create_task(work())


async def counted(server: EmbeddedServer) -> int:
    """Returns how many requests the server has answered.

    Raises:
        InferenceError: If one failed.
    """
    async with Control(server.url) as control:
        vitals = (await control.vitals(KEPT))["1"]
    if vitals.failures:
        raise InferenceError(f"The server counts {vitals.failures} failed requests.")
    return vitals.work.requests


async def check_count(server: EmbeddedServer, before: int, made: int) -> None:
    """Makes sure that every request was one for the server, too.

    Raises:
        InferenceError: If it counts others, or one that failed.
    """
    found = await counted(server) - before
    if found != made:
        raise InferenceError(f"{made} requests were made and the server counts {found}.")
