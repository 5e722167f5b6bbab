"""Tensors in shared memory: the real server reads and writes them, and nothing of it is left."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from client.connection import Connection, TransportChoice
from client.constant import Constant
from client.errors import InferenceError, LipSyncError
from client.model import ServedModel
from client.owners import PREFIX
from client.region import SHM_FOLDER
from client.tensors import Array
from orchestrator.server.embedded import EmbeddedServer
from tests.integration.counting import counted
from tests.integration.test_liveness import HANG, remote, single
from tests.integration.toy_models import Tensors, write_add, write_model, write_sleeper

pytestmark = pytest.mark.server

KILLED = """
import asyncio, os, signal, sys
import numpy as np
from client.connection import Connection
from client.model import ServedModel

async def main():
    async with Connection(sys.argv[1], transport="shared-memory") as link:
        echo = await ServedModel.open(link, "echo")
        await echo(x=np.ones((1, 4), np.float32))
        print(*await link.registered_memory(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def row(*values: float) -> Array:
    return np.array([values], np.float32)


def own_files() -> list[str]:
    return [path.name for path in SHM_FOLDER.glob(f"{PREFIX}*-{os.getpid()}-*")]


@asynccontextmanager
async def shared(
    url: str, name: str, *, rows: int = 4, transport: TransportChoice = "shared-memory"
) -> AsyncIterator[ServedModel]:
    async with Connection(url, retry_timeout_s=30, transport=transport) as link:
        yield await ServedModel.open(link, name, rows_per_request=rows, stall_s=60)


async def test_answers_are_those_of_messages(server: EmbeddedServer) -> None:
    rows = [row(n, n + 1, n + 2, n + 3) for n in range(20)]
    async with shared(server.url, "echo") as echo:
        answers = await asyncio.gather(*(echo(x=x) for x in rows))
    assert [answer["y"].tolist() for answer in answers] == [x.tolist() for x in rows]
    assert own_files() == []


async def test_calls_of_one_moment_are_one_request(server: EmbeddedServer) -> None:
    async with shared(server.url, "add") as add:
        before = await add.batching()
        ones = np.ones((1, 3), np.int32)
        answers = await asyncio.gather(*(add(a=ones * n, b=ones) for n in range(4)))
        done = await counted(add, before, inferences=4)
    assert [int(answer["sum"][0, 0]) for answer in answers] == [1, 2, 3, 4]
    assert done.executions == 1


@pytest.mark.parametrize("transport", ["shared-memory", "grpc"])
async def test_a_constant_is_given_once_and_used_in_every_row(
    server: EmbeddedServer, transport: TransportChoice
) -> None:
    constants = [Constant({"b": np.full((1, 3), 10 * n, np.int32)}) for n in range(20)]
    async with shared(server.url, "add", transport=transport) as add:
        for turn in range(2):  # there are more than are kept
            calls = [add(c, a=np.full((1, 3), turn, np.int32)) for c in constants for _ in range(3)]
            answers = await asyncio.gather(*calls)
            expected = [10 * n + turn for n in range(20) for _ in range(3)]
            assert [int(answer["sum"][0, 2]) for answer in answers] == expected


async def test_memory_in_use_does_not_grow_with_the_number_of_calls(server: EmbeddedServer) -> None:
    async with shared(server.url, "echo") as echo:
        known = []
        for _ in range(2):
            for _ in range(50):
                await asyncio.gather(*(echo(x=row(1, 2, 3, 4)) for _ in range(8)))
            known.append(len(await echo.connection.registered_memory()))
    assert known[0] == known[1] < 8


async def test_a_closed_connection_leaves_nothing_at_the_server(server: EmbeddedServer) -> None:
    async with Connection(server.url) as onlooker:
        before = await onlooker.registered_memory()
        async with shared(server.url, "echo") as echo:
            await echo(x=row(1, 2, 3, 4))
            assert len(await onlooker.registered_memory()) > len(before)
        assert await onlooker.registered_memory() == before


async def test_what_a_killed_process_left_at_the_server_goes_with_the_next_connection(
    server: EmbeddedServer,
) -> None:
    command = [sys.executable, "-c", KILLED, server.url]
    killed = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    left = killed.stdout.split()
    assert killed.returncode == -signal.SIGKILL
    async with Connection(server.url) as onlooker:
        assert set(left) <= set(await onlooker.registered_memory())
        async with shared(server.url, "echo"):
            assert not set(left) & set(await onlooker.registered_memory())
    assert not [path for path in SHM_FOLDER.glob(f"{PREFIX}*") if path.name in left]


async def test_memory_and_constants_are_shown_to_a_server_that_was_started_again(
    repository: Path,
) -> None:
    write_add(repository)
    async with remote(repository) as server, shared(server.url, "add") as add:
        constant = Constant({"b": np.full((1, 3), 7, np.int32)})
        await add(constant, a=np.zeros((1, 3), np.int32))
        await server.restart(signal.SIGKILL)
        calls = [add(constant, a=np.full((1, 3), n, np.int32)) for n in range(12)]
        answers = await asyncio.gather(*calls)
        assert [int(answer["sum"][0, 1]) for answer in answers] == list(range(7, 19))
        assert own_files() == []


async def test_a_request_that_was_given_up_does_not_lend_its_memory_to_others(
    repository: Path,
) -> None:
    write_sleeper(repository, seconds=1.5)
    async with remote(repository) as server, shared(server.url, "sleeper", rows=1) as sleeper:
        given_up = asyncio.create_task(sleeper(x=single(1)))
        await asyncio.sleep(0.2)
        given_up.cancel()
        await asyncio.wait([given_up])
        known = await sleeper.connection.registered_memory()
        answers = [await sleeper(x=single(n)) for n in (2, 3)]
        assert len(await sleeper.connection.registered_memory()) == len(known) + 1
    assert [float(answer["y"].item()) for answer in answers] == [2, 3]


async def test_a_job_that_is_told_to_stop_does_not_wait_for_a_hung_server(repository: Path) -> None:
    write_sleeper(repository, seconds=0)

    async def wait_for_ever() -> None:
        async with shared(server.url, "sleeper") as sleeper:
            asking.set()
            await sleeper(x=HANG)

    async with remote(repository) as server:
        asking = asyncio.Event()
        job = asyncio.create_task(wait_for_ever())
        await asking.wait()
        await asyncio.sleep(0.3)
        job.cancel()
        done, _ = await asyncio.wait([job], timeout=4)
        assert done == {job}
        assert own_files() == []


async def test_without_room_in_shared_memory_tensors_travel_in_messages(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with shared(server.url, "echo") as echo:
        monkeypatch.setattr("client.region.SHM_FOLDER", Path("/proc"))  # takes no file
        with caplog.at_level(logging.WARNING):
            answer = await echo(x=row(1, 2, 3, 4))
    assert answer["y"].tolist() == [[1, 2, 3, 4]]
    assert "go by message" in caplog.text


async def test_tensors_without_a_fixed_size_travel_in_messages(repository: Path) -> None:
    inputs: Tensors = {"x": (TensorProto.FLOAT, ["N", "M"])}
    outputs: Tensors = {"y": (TensorProto.FLOAT, ["N", "M"])}
    folder = write_model(
        repository, "open", [helper.make_node("Identity", ["x"], ["y"])], inputs, outputs
    )
    config = folder / "config.pbtxt"
    config.write_text(config.read_text().replace("dims: ['M']", "dims: [-1]"))
    onnx.checker.check_model(str(folder / "1" / "model.onnx"))
    async with remote(repository) as server, shared(server.url, "open") as model:
        answers = await asyncio.gather(model(x=row(1, 2)), model(x=row(3, 4)))
    assert [answer["y"].tolist() for answer in answers] == [[[1, 2]], [[3, 4]]]


async def test_an_error_of_the_model_is_told_as_it_is(server: EmbeddedServer) -> None:
    async with shared(server.url, "pick", rows=1) as pick:
        bad = pick(x=row(1, 2, 3, 4), index=np.array([[9]], np.int64))
        good = pick(x=row(1, 2, 3, 4), index=np.array([[2]], np.int64))
        failed, answer = await asyncio.gather(bad, good, return_exceptions=True)
    assert isinstance(failed, InferenceError)
    assert not isinstance(answer, BaseException)
    assert answer["picked"].tolist() == [[3]]


async def test_insisting_without_shared_memory_fails_with_the_way_out(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.region.SHM_FOLDER", Path("/proc"))
    with pytest.raises(LipSyncError, match="choose --transport auto"):
        async with Connection(server.url, transport="shared-memory"):
            pass
    async with Connection(server.url, transport="auto") as link:
        assert link.memory is None
