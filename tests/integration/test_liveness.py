"""A slow model is waited for, a hung one is told, a server that restarts is found again."""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.connection import Connection
from client.errors import ModelDiedError, ServerError, StalledError
from client.model import ServedModel
from client.tensors import Array
from orchestrator.pipeline.job import Request, generate
from orchestrator.pipeline.progress import Silent
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.ports import Ports, choose_ports
from orchestrator.settings import home, load_settings
from tests.integration.toy_models import write_echo, write_sleeper

pytestmark = pytest.mark.server

DATA = Path(__file__).parents[1] / "data"
ROW = np.ones((1, 4), np.float32)
CANARY = 1  # the execution that every start of a server makes
HANG = np.full((1, 1), -1, np.float32)


def single(value: float) -> Array:
    return np.full((1, 1), value, np.float32)


def full_batch(value: float) -> Array:
    """What no other request can share a batch with."""
    return np.full((8, 1), value, np.float32)


def server_process(ports: Ports) -> int:
    """The tritonserver that listens at these ports."""
    (process,) = processes("tritonserver", f"--grpc-port={ports.grpc}")
    return process


def own_servers() -> set[int]:
    """The servers of this process."""
    prefix = f"--backend-config=python,shm-region-prefix-name=lipsync-{os.getpid()}-"
    return processes("tritonserver", prefix)


def own_stubs() -> set[int]:
    """The processes of models that servers of this process serve."""
    return processes("triton_python_backend_stub", f"lipsync-{os.getpid()}-")


def serves(pid: int, model: str) -> bool:
    """Whether a process is one of a model's."""
    return f"/repository/{model}/" in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")


def processes(program: str, word: str) -> set[int]:
    """The processes of a program whose command line has some word, or a word that begins so."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            name, *words = path.read_text(errors="replace").split("\0")
            if name.endswith(program) and any(w.startswith(word) for w in words):
                found.add(int(path.parent.name))
    return found


@dataclass
class Remote:
    """A server on ports of its own, that can be killed and started again."""

    repository: Path
    ports: Ports = field(default_factory=choose_ports)
    running: EmbeddedServer | None = None

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.ports.grpc}"

    async def start(self) -> None:
        self.running = await EmbeddedServer.start(
            self.repository,
            grpc_port=self.ports.grpc,
            http_port=self.ports.http,
            metrics_port=self.ports.metrics,
        )

    async def end(self, number: signal.Signals) -> None:
        os.kill(server_process(self.ports), number)
        assert self.running is not None
        await self.running.stop()

    async def restart(self, number: signal.Signals) -> None:
        await self.end(number)
        await self.start()

    @asynccontextmanager
    async def model(
        self, name: str, *, stall_s: float = 60.0, retry_timeout_s: float = 30.0
    ) -> AsyncIterator[ServedModel]:
        async with Connection(self.url, retry_timeout_s=retry_timeout_s) as link:
            yield await ServedModel.open(link, name, stall_s=stall_s)


@asynccontextmanager
async def remote(repository: Path) -> AsyncIterator[Remote]:
    server = Remote(repository)
    await server.start()
    try:
        yield server
    finally:
        assert server.running is not None
        await server.running.stop()


async def test_a_model_whose_batches_take_longer_than_the_limit_is_alive(repository: Path) -> None:
    write_sleeper(repository, seconds=3)
    async with remote(repository) as server, server.model("sleeper", stall_s=2) as sleeper:
        answers = await asyncio.gather(sleeper(x=single(1)), sleeper(x=single(2)))
    assert [float(answer["y"].item()) for answer in answers] == [1, 2]


async def test_a_request_behind_those_of_others_waits_for_as_long_as_these_go_on(
    repository: Path,
) -> None:
    write_sleeper(repository, seconds=0.2)
    async with (
        remote(repository) as server,
        server.model("sleeper") as others,
        server.model("sleeper", stall_s=2) as ours,
    ):
        many = [asyncio.create_task(others(x=full_batch(0))) for _ in range(20)]
        await asyncio.sleep(0.1)
        before = time.monotonic()
        await ours(x=single(1))
        assert time.monotonic() - before > 2
        await asyncio.gather(*many)


async def test_a_hung_model_is_named_with_how_long_and_how_many_wait(repository: Path) -> None:
    write_sleeper(repository, seconds=0)
    async with remote(repository) as server, server.model("sleeper", stall_s=2) as sleeper:
        before = time.monotonic()
        answers = await asyncio.gather(*(sleeper(x=HANG) for _ in range(3)), return_exceptions=True)
        assert time.monotonic() - before < 4
    assert len(answers) == 3
    sentence = (
        rf"sleeper version 1 at {server.url} has finished no batch for [2-4] s "
        "while 3 requests wait: "
    )
    for answer in answers:
        assert isinstance(answer, StalledError)
        assert re.match(sentence, str(answer))


async def test_a_server_that_is_stopped_in_its_tracks_ends_the_wait(repository: Path) -> None:
    write_echo(repository)
    async with remote(repository) as server, server.model("echo", stall_s=2) as echo:
        process = server_process(server.ports)
        os.kill(process, signal.SIGSTOP)
        try:
            with pytest.raises(
                StalledError, match=r"echo version 1 .*, and the whole server, have"
            ):
                await asyncio.wait_for(echo(x=ROW), 8)
        finally:
            os.kill(process, signal.SIGCONT)


async def test_a_killed_process_of_a_model_is_an_error_that_names_it(repository: Path) -> None:
    write_sleeper(repository, seconds=0)
    before = own_stubs()
    async with remote(repository) as server, server.model("sleeper", retry_timeout_s=0) as sleeper:
        stubs = own_stubs()
        waiting = asyncio.create_task(sleeper(x=HANG))
        await asyncio.sleep(0.5)
        for stub in stubs - before:
            os.kill(stub, signal.SIGKILL)
        for request in (waiting, sleeper(x=single(1))):
            with pytest.raises(ModelDiedError, match=r"^sleeper version 1 .* process .* died"):
                await request


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_requests_outlive_a_restart_of_the_server(
    repository: Path, number: signal.Signals
) -> None:
    write_sleeper(repository, seconds=0.1)

    async def ask_in_turn(first: int) -> list[float]:
        answers = [await sleeper(x=full_batch(n)) for n in range(first, first + 8)]
        return [float(answer["y"][0].item()) for answer in answers]

    async with remote(repository) as server, server.model("sleeper") as sleeper:
        asking = [asyncio.create_task(ask_in_turn(first)) for first in (0, 8, 16, 24)]
        await asyncio.sleep(0.3)
        await server.restart(number)
        answers = await asyncio.gather(*asking)
        assert list(chain.from_iterable(answers)) == list(range(32))
        assert CANARY < (await sleeper.batching()).executions < 32


async def test_a_server_that_does_not_return_is_one_error_when_the_budget_is_spent(
    repository: Path,
) -> None:
    write_echo(repository)
    async with remote(repository) as server, server.model("echo", retry_timeout_s=2) as echo:
        await server.end(signal.SIGKILL)
        with pytest.raises(ServerError, match=r"^Asked again for 2 s in vain: No Triton server"):
            await echo(x=ROW)


async def test_a_cancelled_request_is_waited_for(repository: Path) -> None:
    write_sleeper(repository, seconds=0.4)
    async with remote(repository) as server, server.model("sleeper") as sleeper:
        before = (await sleeper.batching()).executions
        waiting = asyncio.create_task(sleeper(x=single(1)))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await sleeper.batching()).executions == before + 1


class OnceSpeaking(Silent):
    """Does something to the server in the middle of the last stage."""

    def __init__(self, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._do = do
        self.notes: list[str] = []
        self.doing: asyncio.Task[None] | None = None

    def advance(self, stage: str) -> None:
        if stage == "speak" and self.doing is None:
            self.doing = asyncio.create_task(self._do())

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


def request(folder: Path, url: str | None) -> Request:
    video, audio = DATA / "portrait.mp4", DATA / "speech.wav"
    return Request(video=video, audio=audio, output=folder / "result.mp4", url=url)


async def test_a_job_outlives_a_restart_of_its_server(tmp_path: Path) -> None:
    settings = load_settings("default")
    async with remote(home() / "model_repository") as server:
        progress = OnceSpeaking(lambda: server.restart(signal.SIGKILL))
        report = await generate(request(tmp_path, server.url), settings, progress)
        assert progress.doing is not None
        await progress.doing
    assert report.frames == report.frames_with_face
    assert (tmp_path / "result.mp4").stat().st_size > 10_000
    assert all(model.inferences >= 0 for model in report.models.values())


async def test_a_job_outlives_the_death_of_its_own_server(tmp_path: Path) -> None:
    before = own_servers()

    async def kill() -> None:
        (server,) = own_servers() - before
        os.kill(server, signal.SIGKILL)

    progress = OnceSpeaking(kill)
    report = await generate(request(tmp_path, None), load_settings("default"), progress)
    assert report.frames == report.frames_with_face
    assert (tmp_path / "result.mp4").stat().st_size > 10_000
    (told,) = progress.notes
    assert told.startswith("The server was killed by SIGKILL; started again in ")


async def test_a_job_outlives_the_death_of_a_model_s_process(tmp_path: Path) -> None:
    before = own_stubs()

    async def kill() -> None:
        (stub,) = (pid for pid in own_stubs() - before if serves(pid, "landmark2face"))
        os.kill(stub, signal.SIGKILL)

    progress = OnceSpeaking(kill)
    report = await generate(request(tmp_path, None), load_settings("default"), progress)
    assert report.frames == report.frames_with_face
    assert (tmp_path / "result.mp4").stat().st_size > 10_000
    (told,) = progress.notes
    assert told.startswith("landmark2face lost a process; loaded again in ")


async def test_a_job_whose_own_server_dies_again_and_again_says_so(tmp_path: Path) -> None:
    before = own_servers()

    async def keep_killing() -> None:
        while True:
            for server in own_servers() - before:
                with suppress(ProcessLookupError):
                    os.kill(server, signal.SIGKILL)
            await asyncio.sleep(0.1)

    progress = OnceSpeaking(keep_killing)
    with pytest.raises(ServerError, match=r"^The embedded Triton server .*: run the command again"):
        await generate(request(tmp_path, None), load_settings("default"), progress)
    assert progress.doing is not None
    progress.doing.cancel()
    assert list(tmp_path.iterdir()) == []
    assert own_servers() == before
