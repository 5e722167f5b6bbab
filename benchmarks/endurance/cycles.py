"""Loads a model, has it answer once, and unloads it, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from benchmarks.endurance.models import KEPT
from benchmarks.endurance.readings import Subject
from benchmarks.endurance.trend import Sample
from client.connection import TransportChoice
from client.control import Control
from client.errors import ServerError
from client.model import ServedModel
from client.tensors import Array
from orchestrator.server.embedded import EmbeddedServer

LOAD_TIMEOUT_S: Final = 60.0
GONE_TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.02
SAMPLES: Final = 200
WAYS: Final[tuple[TransportChoice, ...]] = ("shared-memory", "grpc")

Tell = Callable[[Sample], None]


async def run_cycles(
    repository: Path, name: str, row: Mapping[str, Array], cycles: int, tell: Tell
) -> list[Sample]:
    """Runs so many cycles on a server of their own, beside a model that stays.

    A sample is taken between two cycles: the model is unloaded, its process gone.

    Args:
        repository: The model repository.
        name: The model that comes and goes.
        row: What it is asked.
        cycles: How many.
        tell: Hears of each sample.

    Raises:
        LipSyncError: If a load, an answer or an unload fails.
    """
    samples: list[Sample] = []
    every = max(1, cycles // SAMPLES)
    async with await EmbeddedServer.start(repository, models=[KEPT]) as server:
        subject = Subject.of(server)
        for number in range(1, cycles + 1):
            await cycle(server, name, row, WAYS[number % len(WAYS)])
            if number % every == 0:
                samples.append(Sample(number, subject.read()))
                tell(samples[-1])
    return samples


async def cycle(
    server: EmbeddedServer, name: str, row: Mapping[str, Array], way: TransportChoice
) -> None:
    """Loads a model, asks it over a connection of its own, and unloads it.

    Raises:
        LipSyncError: If any of that fails, or the model's process stays.
    """
    async with Control(server.url, transport=way) as control:
        await control.load(name, timeout_s=LOAD_TIMEOUT_S)
        model = await ServedModel.open(control, name)
        await model(None, **row)
        await control.unload(name)
    await gone(server, name)


async def gone(server: EmbeddedServer, name: str) -> None:
    """Waits until no process of a model is left.

    Raises:
        ServerError: If one stays.
    """
    try:
        async with asyncio.timeout(GONE_TIMEOUT_S):
            while any(stub.slot.model == name for stub in server.stubs()):  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise ServerError(
            f"A process of {name} still runs {GONE_TIMEOUT_S:g} s after it was unloaded: look at "
            f"the server's log {server.log_file}."
        ) from error
