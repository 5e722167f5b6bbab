"""The embedded server: on loopback, from any path, and gone without a trace with its owner."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.canary import check_models
from client.connection import Connection
from client.errors import InputError, ModelDiedError, ModelUnavailableError, ServerError
from client.model import ServedModel
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.guardian import SHM_FOLDER, TEMPORARY_FOLDER
from orchestrator.server.ports import LOOPBACK, choose_ports
from orchestrator.server.runtime import CHECKOUT, find_runtime, has_cuda
from tests.integration.toy_models import write_echo

pytestmark = pytest.mark.server

LISTENING = "0A"
TRACE_TIMEOUT_S = 10.0

OWNER = """
import asyncio, sys
from pathlib import Path
from orchestrator.server.embedded import EmbeddedServer

async def main():
    server = await EmbeddedServer.start(Path(sys.argv[1]))
    print(server.url, flush=True)
    {then}

asyncio.run(main())
"""

SERVE = """
import asyncio, sys
from pathlib import Path
from orchestrator.server.ports import choose_ports
from orchestrator.server.serve import serve

ports = choose_ports()
asyncio.run(serve(
    Path(sys.argv[1]), grpc_port=ports.grpc, http_port=ports.http, metrics_port=ports.metrics,
    on_ready=lambda server: print(server.url, flush=True),
    on_event=lambda event: print(event, flush=True),
))
"""

Owner = subprocess.Popen[str]


def owner(code: str, repository: Path) -> Owner:
    command = [sys.executable, "-c", code, str(repository)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(LOOPBACK)
    return process


def processes(text: str) -> set[int]:
    """Processes with `text` in their command line: all of a server's have its region prefix."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_text(errors="replace"):
                found.add(int(path.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def own_stubs() -> set[int]:
    return processes("triton_python_backend_stub") & processes(f"\0lipsync-{os.getpid()}-")


def regions(prefix: str) -> set[Path]:
    return set(SHM_FOLDER.glob(f"{prefix}*"))


def private_folders(parent: Path) -> list[Path]:
    return list(parent.glob("lipsync-*"))


def wait_for(condition: Callable[[], bool], timeout_s: float = TRACE_TIMEOUT_S) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"not within {timeout_s:g} s"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    prefix = f"lipsync-{pid}-"
    return not processes(f"={prefix}") and not processes(f"\0{prefix}") and not regions(prefix)


def listening_addresses(port: int) -> set[str]:
    """Local addresses on which a TCP port is listened to, as the kernel tells them."""
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, number = line.split()[1].split(":")
            if int(number, 16) == port and line.split()[3] == LISTENING:
                words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
                name = socket.inet_ntop(family, b"".join(words))
                found.add(name.removeprefix("::ffff:"))  # an IPv4 address in IPv6 clothes
    return found


async def test_all_ports_are_on_loopback(server: EmbeddedServer) -> None:
    for url in (server.url, server.http_url, server.metrics_url.removesuffix("/metrics")):
        assert listening_addresses(int(url.rsplit(":", 1)[1])) == {LOOPBACK}


async def test_metrics_count_inferences_by_model(server: EmbeddedServer) -> None:
    def read() -> str:
        with urllib.request.urlopen(server.metrics_url, timeout=10) as answer:  # noqa: S310
            return str(answer.read(), "utf-8")

    assert 'nv_inference_count{model="echo"' in await asyncio.to_thread(read)


async def test_stopping_leaves_no_process_no_shared_memory_and_no_folder(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_echo(repository)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    prefix = f"lipsync-{os.getpid()}-"
    before = processes(prefix), regions(prefix)
    server = await EmbeddedServer.start(repository)
    assert len(processes(prefix)) > len(before[0])
    assert len(regions(prefix)) > len(before[1])
    assert private_folders(tmp_path)
    await server.stop()
    assert processes(prefix) == before[0]
    assert regions(prefix) == before[1]
    assert not private_folders(tmp_path)
    assert (repository / "echo" / "1" / "model.onnx").is_file()


async def test_it_may_be_stopped_twice(repository: Path) -> None:
    write_echo(repository)
    async with await EmbeddedServer.start(repository) as server:
        await server.stop()


async def test_a_repository_path_may_have_spaces_accents_and_shell_signs(tmp_path: Path) -> None:
    repository = tmp_path / "mes modèles $(false); 'été' & co"
    write_echo(repository)
    async with await EmbeddedServer.start(repository) as server, Connection(server.url) as link:
        echo = await ServedModel.open(link, "echo")
        x = np.ones((2, 4), np.float32)
        np.testing.assert_array_equal((await echo(x=x))["y"], x)


async def test_a_log_file_can_be_named(repository: Path, tmp_path: Path) -> None:
    write_echo(repository)
    log_file = tmp_path / "server.log"
    async with await EmbeddedServer.start(repository, log_file=log_file) as server:
        assert server.log_file == log_file
    assert "model.onnx runs on CPUExecutionProvider" in log_file.read_text()


async def test_only_the_wanted_models_are_served(repository: Path) -> None:
    write_echo(repository, "one")
    (write_echo(repository, "two") / "1" / "model.onnx").unlink()
    async with await EmbeddedServer.start(repository, models=["one"]) as server:
        assert server.models == ["one"]


async def test_a_wrong_repository_path_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^There is no model repository at \S+/none: .*\.$"):
        await EmbeddedServer.start(tmp_path / "none")


async def test_a_port_that_is_taken_is_named(repository: Path) -> None:
    write_echo(repository)
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"Port {port} .* --grpc-port"):
            await EmbeddedServer.start(repository, grpc_port=port)


async def test_a_port_lost_to_another_process_is_replaced(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_echo(repository)
    with socket.create_server((LOOPBACK, 0)) as taken:
        lost = replace(choose_ports(), grpc=taken.getsockname()[1])
        chosen = iter([lost, choose_ports()])
        monkeypatch.setattr("orchestrator.server.embedded.choose_ports", lambda **_: next(chosen))
        async with await EmbeddedServer.start(repository) as server:
            assert server.url != f"{LOOPBACK}:{lost.grpc}"


async def test_a_proxy_in_the_environment_does_not_stand_between(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_echo(repository)
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:9")
    async with await EmbeddedServer.start(repository) as server:
        assert server.models == ["echo"]


async def test_a_cancelled_start_leaves_nothing(repository: Path) -> None:
    write_echo(repository)
    prefix = f"lipsync-{os.getpid()}-"
    before = processes(prefix), regions(prefix)
    start = asyncio.create_task(EmbeddedServer.start(repository))
    await asyncio.to_thread(wait_for, lambda: processes(prefix) != before[0])
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert (processes(prefix), regions(prefix)) == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_owner_takes_its_server_along(repository: Path, number: signal.Signals) -> None:
    write_echo(repository)
    with owner(OWNER.format(then="await asyncio.sleep(60)"), repository) as process:
        assert not gone(process.pid)
        process.send_signal(number)
        process.wait(10)
    wait_for(lambda: gone(process.pid))


@pytest.mark.parametrize("then", ["return", "1 / 0"])
def test_an_owner_that_forgets_to_stop_takes_its_server_along(repository: Path, then: str) -> None:
    write_echo(repository)
    with owner(OWNER.format(then=then), repository) as process:
        process.wait(10)
    wait_for(lambda: gone(process.pid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_in_the_foreground_ends_quietly_at_a_signal(
    repository: Path, number: signal.Signals
) -> None:
    write_echo(repository)
    with owner(SERVE, repository) as process:
        process.send_signal(number)
        assert process.wait(10) == 0
    assert gone(process.pid)


def test_a_second_signal_ends_the_owner_at_once_and_the_guardian_does_the_rest(
    repository: Path,
) -> None:
    write_echo(repository)
    with owner(SERVE, repository) as process:
        (server,) = processes(f"=lipsync-{process.pid}-") & processes("tritonserver")
        os.kill(server, signal.SIGSTOP)  # its end takes a while then
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in (-signal.SIGINT, 0)
    wait_for(lambda: gone(process.pid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_was_started_again_leaves_nothing_either(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    write_echo(repository)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with owner(SERVE, repository) as process:
        assert process.stdout is not None
        (folder,) = private_folders(tmp_path)
        (guardian,) = processes(f"{folder}/guardian.json")
        os.kill(guardian, signal.SIGKILL)
        assert process.stdout.readline().startswith("The server lost its guardian")
        (server,) = processes(f"=lipsync-{process.pid}-")
        os.kill(server, signal.SIGKILL)
        assert process.stdout.readline().startswith("The server was killed by SIGKILL; started ")
        process.send_signal(number)
        process.wait(10)
    wait_for(lambda: gone(process.pid) and not private_folders(tmp_path))


async def test_a_server_that_dies_is_noticed(repository: Path) -> None:
    write_echo(repository)
    async with await EmbeddedServer.start(repository) as server:
        (pid,) = processes(f"--grpc-port={server.url.split(':')[1]}")
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ServerError, match=r"server was killed by SIGKILL: run the command"):
            await asyncio.wait_for(server.wait(), 10)


async def test_a_server_that_dies_is_blamed_for_what_fails_by_it(repository: Path) -> None:
    write_echo(repository)

    async def ask_a_server_that_dies() -> None:
        async with await EmbeddedServer.start(repository) as server, Connection(server.url) as link:
            echo = await ServedModel.open(link, "echo")
            (pid,) = processes(f"--grpc-port={server.url.split(':')[1]}")
            os.kill(pid, signal.SIGKILL)
            await echo(x=np.ones((1, 4), np.float32))

    with pytest.raises(ServerError, match="server was killed by SIGKILL") as caught:
        await ask_a_server_that_dies()
    assert "No Triton server answers" in str(caught.value.__cause__)


async def test_a_failure_of_a_running_server_is_told_as_it_is(repository: Path) -> None:
    write_echo(repository)
    with pytest.raises(ModelUnavailableError, match="does not serve other"):
        async with await EmbeddedServer.start(repository) as server:
            await check_models(server.url, ["other"], timeout_s=10)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_process_that_is_lost_while_its_model_loads_does_not_hold_up_the_start(
    repository: Path, number: signal.Signals
) -> None:
    write_echo(repository)
    others = own_stubs()
    starting = asyncio.create_task(EmbeddedServer.start(repository))
    await asyncio.to_thread(wait_for, lambda: own_stubs() > others)
    for stub in own_stubs() - others:
        os.kill(stub, number)
    async with await asyncio.wait_for(starting, 60) as server:
        await check_models(server.url, ["echo"], timeout_s=10)


async def test_a_model_that_does_not_load_is_told_with_the_path_that_the_user_knows(
    repository: Path,
) -> None:
    (write_echo(repository) / "1" / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ServerError, match="failed to load 'echo'") as caught:
        await EmbeddedServer.start(repository)
    assert f"{repository}/echo/1" in str(caught.value)
    assert "/lipsync-" not in str(caught.value)


async def test_a_model_whose_process_died_is_an_error_and_no_hindrance_to_the_end(
    repository: Path,
) -> None:
    write_echo(repository)
    others = own_stubs()
    async with await EmbeddedServer.start(repository) as server, Connection(server.url) as link:
        echo = await ServedModel.open(link, "echo")
        (stub,) = own_stubs() - others
        os.kill(stub, signal.SIGKILL)
        with pytest.raises(ModelDiedError, match="'echo_0_0' is not healthy"):
            await echo(x=np.ones((1, 4), np.float32))


async def test_a_killed_guardian_leaves_nothing_once_the_server_is_stopped(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_echo(repository)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    prefix = f"lipsync-{os.getpid()}-"
    before = processes(prefix), regions(prefix)
    async with await EmbeddedServer.start(repository):
        (folder,) = private_folders(tmp_path)
        (guardian,) = processes(f"{folder}/guardian.json")
        os.kill(guardian, signal.SIGKILL)
    assert (processes(prefix), regions(prefix)) == before
    assert not private_folders(tmp_path)


async def test_the_next_start_removes_what_a_killed_owner_and_guardian_left(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_echo(repository)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with owner(OWNER.format(then="await asyncio.sleep(60)"), repository) as process:
        (folder,) = private_folders(tmp_path)
        (guardian,) = processes(f"{folder}/guardian.json")
        os.kill(guardian, signal.SIGSTOP)
        process.kill()
        process.wait(10)
        os.kill(guardian, signal.SIGKILL)
        await asyncio.to_thread(wait_for, lambda: not processes(f"{folder}/guardian.json"))
    assert folder.exists()
    async with await EmbeddedServer.start(repository):
        assert not folder.exists()
        assert gone(process.pid)


async def test_a_start_leaves_a_running_server_alone(repository: Path) -> None:
    write_echo(repository)
    async with await EmbeddedServer.start(repository) as first:
        async with await EmbeddedServer.start(repository):
            assert first.log_file.exists()
        await check_models(first.url, ["echo"], timeout_s=10)


async def test_the_folder_that_the_python_backend_makes_in_tmp_is_removed(
    repository: Path,
) -> None:
    write_echo(repository)
    for _ in range(3):  # nobody can tell whose a folder is when two servers start at once
        before = set(TEMPORARY_FOLDER.glob("python_env_*"))
        async with await EmbeddedServer.start(repository):
            made = set(TEMPORARY_FOLDER.glob("python_env_*")) - before
        if len(made) == 1:
            break
    assert [folder.exists() for folder in made] == [False]


async def test_onnx_runtime_in_the_stubs_keeps_no_record_of_its_use(repository: Path) -> None:
    write_echo(repository)
    others = own_stubs()
    async with await EmbeddedServer.start(repository):
        (stub,) = own_stubs() - others
        assert b"ORT_DISABLE_TELEMETRY=1\0" in Path(f"/proc/{stub}/environ").read_bytes()
        opened = [path.readlink() for path in Path(f"/proc/{stub}/fd").iterdir()]
        assert not [path for path in opened if "onnxruntime.db" in path.name]


async def test_hidden_gpus_are_said_to_be_hidden(
    repository: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_echo(repository)
    caplog.set_level("INFO")
    async with await EmbeddedServer.start(repository, device="auto"):
        assert "GPUs are hidden" in caplog.text


async def test_insisting_on_cuda_without_cuda_fails_with_the_way_out(repository: Path) -> None:
    write_echo(repository)
    if has_cuda(find_runtime()):
        pytest.skip("the server's environment has CUDA")
    with pytest.raises(ServerError, match="choose --device cpu"):
        await EmbeddedServer.start(repository, device="cuda")
