"""What dies or hangs under supervision is started again, and clients see it late, not broken."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from client.connection import Connection
from client.control import Control
from client.errors import ModelDiedError, ServerError
from client.model import ServedModel
from client.tensors import Array
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.ports import choose_ports
from orchestrator.server.runtime import CHECKOUT
from orchestrator.server.supervisor import STARTS, supervised
from tests.integration.toy_models import write_echo, write_sleeper

pytestmark = pytest.mark.server

TIMEOUT_S = 30.0


def server_process(grpc_port: int) -> int:
    """The tritonserver that listens at a port."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            program, *words = path.read_text(errors="replace").split("\0")
            if program.endswith("tritonserver") and f"--grpc-port={grpc_port}" in words:
                return int(path.parent.name)
    raise AssertionError("no server runs")


def single(value: float) -> Array:
    return np.full((1, 1), value, np.float32)


@dataclass
class Kept:
    """A server under supervision, and what was told of it."""

    server: EmbeddedServer
    events: list[str] = field(default_factory=list)

    def stub(self, model: str) -> int:
        """The process of a model."""
        (stub,) = (s for s in self.server.stubs() if s.slot.model == model)
        return stub.pid

    def process(self) -> int:
        """The tritonserver itself."""
        return server_process(int(self.server.url.rsplit(":", 1)[1]))

    async def told(self, count: int = 1) -> str:
        """The sentence of the latest of so many recoveries."""
        await until(lambda: len(self.events) >= count)
        return self.events[-1]

    @asynccontextmanager
    async def model(self, name: str, *, retry_timeout_s: float = TIMEOUT_S) -> AsyncIterator["Toy"]:
        async with Connection(self.server.url, retry_timeout_s=retry_timeout_s) as link:
            yield Toy(await ServedModel.open(link, name))


@dataclass
class Toy:
    """A model that answers with what it is given."""

    model: ServedModel

    async def ask(self, value: float) -> float:
        return float((await self.model(x=single(value)))["y"].item())


async def until(condition: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - /proc tells no events
            await asyncio.sleep(0.02)


@asynccontextmanager
async def kept(repository: Path, *, stall_s: float = 60.0) -> AsyncIterator[Kept]:
    async with await EmbeddedServer.start(repository) as server:
        found = Kept(server)
        async with supervised(server, stall_s=stall_s, on_event=found.events.append):
            yield found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_requests_outlive_the_process_of_their_model(
    repository: Path, number: signal.Signals
) -> None:
    write_sleeper(repository, seconds=0.05)
    write_echo(repository)

    async def ask_in_turn(first: int) -> list[float]:
        return [await sleeper.ask(value) for value in range(first, first + 20)]

    async with kept(repository) as keeping, keeping.model("sleeper") as sleeper:
        bystander = keeping.stub("echo")
        asking = [asyncio.create_task(ask_in_turn(first)) for first in (0, 20, 40, 60)]
        await asyncio.sleep(0.3)
        os.kill(keeping.stub("sleeper"), number)
        answers = await asyncio.gather(*asking)
        assert [value for values in answers for value in values] == list(range(80))
        assert (await keeping.told()).startswith("sleeper lost a process; loaded again in ")
        assert keeping.stub("echo") == bystander


async def test_a_model_that_nobody_asks_is_loaded_again_too(repository: Path) -> None:
    write_echo(repository)
    async with kept(repository) as keeping:
        dead = keeping.stub("echo")
        os.kill(dead, signal.SIGKILL)
        await keeping.told()
        assert keeping.stub("echo") != dead


async def test_one_dead_process_of_two_is_missed(repository: Path) -> None:
    config = write_sleeper(repository, seconds=0) / "config.pbtxt"
    config.write_text(config.read_text().replace("count: 1", "count: 2"))
    async with kept(repository) as keeping, keeping.model("sleeper") as sleeper:
        before = {stub.pid for stub in keeping.server.stubs()}
        await asyncio.sleep(2)  # an alive one would answer in the place of one that never was seen
        os.kill(min(before), signal.SIGKILL)
        await keeping.told()
        after = {stub.pid for stub in keeping.server.stubs()} - before
        assert len(after) == len(before) == 2
        assert [await sleeper.ask(value) for value in range(4)] == [0, 1, 2, 3]


async def test_each_of_many_deaths_is_cured(repository: Path) -> None:
    write_sleeper(repository, seconds=0)
    async with kept(repository) as keeping, keeping.model("sleeper") as sleeper:
        for death in range(1, 4):
            os.kill(keeping.stub("sleeper"), signal.SIGKILL)
            assert await sleeper.ask(death) == death
            await keeping.told(death)


async def test_a_model_stays_as_it_was_loaded(repository: Path) -> None:
    folder = write_echo(repository)
    (folder / "1").rename(folder / "2")
    config = (folder / "config.pbtxt").read_text().replace("manifest.1", "manifest.2")
    (folder / "config.pbtxt").write_text(config)
    async with kept(repository) as keeping, Control(keeping.server.url) as control:
        (folder / "3").symlink_to(folder / "2")
        override = (
            '{"backend": "onnxruntime", "default_model_filename": "model.onnx",'
            ' "max_batch_size": 8, "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [4]}],'
            ' "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [4]}],'
            ' "instance_group": [{"count": 1}], "version_policy": {"specific": {"versions": [2]}},'
            ' "parameters": {"manifest.2": {"string_value": "{}"}}}'
        )
        await control.load("echo", json.loads(override))
        await asyncio.sleep(3)  # the processes before have gone
        assert keeping.events == []
        os.kill(keeping.stub("echo"), signal.SIGKILL)
        await keeping.told()
        assert await control.ready_versions() == {"echo": {"2"}}
        loaded = await control.model_config("echo")
    assert list(loaded.version_policy.specific.versions) == [2]
    assert loaded.parameters["manifest.2"].string_value == "{}"


async def test_a_hung_model_is_killed_and_the_next_request_is_answered(repository: Path) -> None:
    write_sleeper(repository, seconds=0)
    async with (
        kept(repository, stall_s=2) as keeping,
        keeping.model("sleeper", retry_timeout_s=0) as sleeper,
    ):
        with pytest.raises(ModelDiedError, match="process on the server died"):
            await sleeper.ask(-1)
        told = await keeping.told()
        assert told.startswith("sleeper finished no batch for 2 s while a request waited; ")
        assert await sleeper.ask(5) == 5


async def test_a_slow_model_is_left_alone(repository: Path) -> None:
    write_sleeper(repository, seconds=3)
    async with kept(repository, stall_s=2) as keeping, keeping.model("sleeper") as sleeper:
        process = keeping.stub("sleeper")
        assert await asyncio.gather(*(sleeper.ask(value) for value in range(3))) == [0, 1, 2]
        await asyncio.sleep(14)  # it is asked when it has been idle for 10 s
        assert keeping.stub("sleeper") == process
        assert keeping.events == []


async def test_a_model_that_a_client_unloads_is_left_alone(repository: Path) -> None:
    write_echo(repository, "one")
    write_echo(repository, "two")
    async with kept(repository) as keeping, Control(keeping.server.url) as control:
        await control.unload("one")
        await until(lambda: {s.slot.model for s in keeping.server.stubs()} == {"two"})
        await asyncio.sleep(3)
        assert await control.ready_versions() == {"two": {"1"}}
        assert keeping.events == []


async def test_a_killed_server_returns_at_the_same_port(repository: Path) -> None:
    write_sleeper(repository, seconds=0)
    async with kept(repository) as keeping, keeping.model("sleeper") as sleeper:
        url = keeping.server.url
        os.kill(keeping.process(), signal.SIGKILL)
        assert await sleeper.ask(7) == 7
        told = await keeping.told()
        assert told.startswith("The server was killed by SIGKILL; started again in ")
        assert keeping.server.url == url


async def test_a_server_that_is_stopped_in_its_tracks_is_started_again(repository: Path) -> None:
    write_sleeper(repository, seconds=0)
    async with kept(repository, stall_s=2) as keeping, keeping.model("sleeper") as sleeper:
        os.kill(keeping.process(), signal.SIGSTOP)
        assert await sleeper.ask(7) == 7
        assert "The server has answered nothing for " in await keeping.told()


async def test_a_server_that_keeps_dying_is_one_error(repository: Path) -> None:
    write_echo(repository)

    async def kill_again_and_again() -> None:
        async with kept(repository) as keeping:
            for count in range(1, STARTS + 1):
                os.kill(keeping.process(), signal.SIGKILL)
                await keeping.told(count)
            os.kill(keeping.process(), signal.SIGKILL)
            await asyncio.sleep(TIMEOUT_S)

    before = time.monotonic()
    sentence = f"server was killed by SIGKILL, after {STARTS} new starts: run the command"
    with pytest.raises(ServerError, match=sentence):
        await kill_again_and_again()
    assert time.monotonic() - before < TIMEOUT_S


async def test_a_model_that_can_no_more_be_loaded_is_one_error_that_names_it(
    repository: Path,
) -> None:
    folder = write_echo(repository)

    async def spoil() -> None:
        async with kept(repository) as keeping:
            (folder / "1" / "model.onnx").write_bytes(b"no model")
            os.kill(keeping.stub("echo"), signal.SIGKILL)
            await asyncio.sleep(2 * TIMEOUT_S)

    with pytest.raises(ServerError, match="failed to load 'echo'"):
        await spoil()


async def test_a_model_that_dies_at_every_request_is_told_each_time(repository: Path) -> None:
    folder = write_sleeper(repository, seconds=0)
    deadly = repository / "deadly"
    code = (
        f"import os\n        if os.path.exists({str(deadly)!r}): os._exit(1)\n        time.sleep("
    )
    model = folder / "1" / "model.py"
    model.write_text(model.read_text().replace("time.sleep(", code))
    async with kept(repository) as keeping:
        deadly.touch()
        os.kill(keeping.stub("sleeper"), signal.SIGKILL)
        assert "loaded again in" in await keeping.told(2)
        assert re.search(
            r", and (has a process that does not answer|lost a process)", keeping.events[0]
        )
        deadly.unlink()
        async with keeping.model("sleeper") as sleeper:
            assert await sleeper.ask(7) == 7


async def test_an_error_in_the_midst_of_a_new_start_is_told_as_it_is(repository: Path) -> None:
    write_echo(repository)

    async def fail_meanwhile() -> None:
        async with await EmbeddedServer.start(repository) as server:
            starting = asyncio.create_task(server.restart())
            await until(lambda: not server.stubs())
            await asyncio.sleep(0.3)
            starting.cancel()
            await asyncio.wait([starting])
            raise ServerError("The budget is spent.")

    with pytest.raises(ServerError, match=r"^The budget is spent\.$"):
        await fail_meanwhile()


async def test_supervision_ends_with_its_block_and_with_its_error(repository: Path) -> None:
    write_echo(repository)
    before = len(asyncio.all_tasks())
    with pytest.raises(ZeroDivisionError):
        async with kept(repository):
            raise ZeroDivisionError
    assert len(asyncio.all_tasks()) == before


def test_the_command_tells_each_recovery_and_still_ends_at_once(repository: Path) -> None:
    write_echo(repository)
    ports = choose_ports()
    command = [sys.executable, "-m", "orchestrator", "serve", f"--repository={repository}"]
    command += [f"--grpc-port={ports.grpc}", f"--http-port={ports.http}", "--stall-timeout=60"]
    command += [f"--metrics-port={ports.metrics}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CHECKOUT
    ) as serving:
        assert serving.stdout is not None
        assert serving.stderr is not None
        assert "serving echo" in serving.stdout.readline()
        os.kill(server_process(ports.grpc), signal.SIGKILL)
        assert serving.stderr.readline().startswith("recovered: The server was killed by SIGKILL")
        serving.send_signal(signal.SIGINT)
        assert serving.wait(10) == 0
