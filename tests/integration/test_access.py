"""What others on this machine may do with an embedded server: run models, and nothing else."""

import asyncio
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from client.connection import Connection
from client.control import Control
from client.endpoint import Access
from client.errors import AccessError, ServerError
from client.keys import Key
from client.model import ServedModel
from orchestrator.server.embedded import EmbeddedServer
from tests.integration.toy_models import write_echo

pytestmark = pytest.mark.server

X = np.ones((1, 4), np.float32)


@pytest.fixture
def stranger(server: EmbeddedServer, tmp_path: Path) -> Access:
    """A client that has only a key of its own making."""
    path = tmp_path / "guess"
    path.write_text(Key.new().text, encoding="ascii")
    return Access(key_file=path)


async def test_everybody_here_runs_models(server: EmbeddedServer, stranger: Access) -> None:
    async with Connection(server.url, access=stranger) as connection:
        echo = await ServedModel.open(connection, "echo")
        np.testing.assert_array_equal((await echo(x=X))["y"], X)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda control: control.load_again("echo"),
        lambda control: control.ready_versions(),
        lambda control: control.register_memory("any", 64),
        lambda control: control.registered_memory(),
        lambda control: control.unregister_memory("any"),
    ],
    ids=["load", "index", "register memory", "list memory", "unregister memory"],
)
async def test_loading_and_sharing_memory_need_the_servers_key(
    server: EmbeddedServer, stranger: Access, attempt: Callable[[Control], object]
) -> None:
    control = Control(server.url, access=stranger)
    try:
        with pytest.raises(AccessError, match="lets only those with its key 'lipsync-key'"):
            await attempt(control)  # type: ignore[misc]
    finally:
        await control.close()


async def test_the_user_who_started_it_needs_to_name_none(server: EmbeddedServer) -> None:
    async with Control(server.url, transport="shared-memory") as control:
        assert "echo" in await control.ready_versions()
        assert control.transport == "shared-memory"


async def test_a_stranger_sends_tensors_in_messages(
    server: EmbeddedServer, stranger: Access
) -> None:
    async with Connection(server.url, access=stranger, transport="auto") as connection:
        assert connection.transport == "grpc"


@pytest.mark.parametrize(
    "path", ["v2/repository/index", "v2/repository/models/echo/load", "v2/logging"]
)
async def test_so_it_is_over_http(server: EmbeddedServer, path: str) -> None:
    """A page in a browser can send such a request, too."""
    request = urllib.request.Request(  # noqa: S310
        f"{server.http_url}/{path}", data=b"{}", method="POST"
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        await asyncio.to_thread(urllib.request.urlopen, request)


async def test_the_key_shows_in_no_command_line_and_no_log(server: EmbeddedServer) -> None:
    assert server.key_file is not None
    secret = Key.read(server.key_file).secret
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert any(b"--grpc-restricted-protocol=" in line for line in lines)
    assert not [line for line in lines if secret.encode() in line]
    assert secret not in server.log_file.read_text(encoding="utf-8")


async def test_every_server_has_another_key_which_goes_with_it(repository: Path) -> None:
    write_echo(repository)
    keys, files = set(), []
    for _ in range(2):
        async with await EmbeddedServer.start(repository) as own:
            assert own.key_file is not None
            keys.add(own.key_file.read_text(encoding="ascii"))
            files.append(own.key_file)
    assert len(keys) == 2
    assert not [path for path in files if path.exists()]


async def test_a_server_that_is_open_to_all_asks_for_no_key(repository: Path) -> None:
    write_echo(repository)
    async with await EmbeddedServer.start(repository, restricted=False) as own:
        assert own.key_file is None
        async with Control(own.url, transport="shared-memory") as control:
            await control.load_again("echo")


async def test_it_listens_on_loopback_only(server: EmbeddedServer) -> None:
    port = int(server.url.rpartition(":")[2])
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            address, local_port = line.split()[1].split(":")
            if int(local_port, 16) == port:
                assert address.endswith("0100007F")  # 127.0.0.1, alone or within IPv6


async def test_shared_memory_that_is_asked_for_and_not_to_be_had_is_an_error(
    server: EmbeddedServer, stranger: Access
) -> None:
    with pytest.raises(ServerError, match="choose --transport auto"):
        async with Connection(server.url, access=stranger, transport="shared-memory"):
            pass


async def test_a_model_of_the_server_loads_under_the_key_of_a_restarted_server(
    repository: Path, tmp_path: Path
) -> None:
    write_echo(repository)
    async with await EmbeddedServer.start(repository) as own:
        control = Control(own.url)
        await own.restart()
        await control.load_again("echo")
        await control.close()
        shutil.copy(own.key_file or "", tmp_path / "copy")
        async with Control(own.url, access=Access(key_file=tmp_path / "copy")) as other:
            assert await other.ready_versions() == {"echo": {"1"}}
