"""A server is reached from elsewhere over TLS, with certificates on both sides."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trustme

from client.connection import Connection
from client.endpoint import Access
from client.errors import AccessError, InputError, ServerError
from client.model import ServedModel
from client.tls import Tls
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.ports import choose_ports
from orchestrator.server.runtime import CHECKOUT
from orchestrator.server.serve import serve
from orchestrator.server.tls import Gate, opened
from tests.integration.toy_models import write_echo

pytestmark = pytest.mark.server

X = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def gate(ca: trustme.CA, tmp_path: Path) -> Gate:
    issued = ca.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    issued.private_key_pem.write_to_path(tmp_path / "server.key")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    return Gate(
        "127.0.0.1",
        choose_ports().grpc,
        tmp_path / "server.pem",
        tmp_path / "server.key",
        tmp_path / "ca.pem",
    )


@pytest.fixture
def tls(ca: trustme.CA, gate: Gate, tmp_path: Path) -> Tls:
    issued = ca.issue_cert("somebody@example.org")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    issued.private_key_pem.write_to_path(tmp_path / "client.key")
    return Tls(gate.client_ca, tmp_path / "client.pem", tmp_path / "client.key")


@pytest.fixture
def url(gate: Gate) -> str:
    return f"grpcs://localhost:{gate.port}"


@asynccontextmanager
async def reached(server: EmbeddedServer, gate: Gate) -> AsyncIterator[None]:
    async with opened(gate, int(server.url.rpartition(":")[2])):
        yield


async def test_a_client_with_a_certificate_runs_models(
    server: EmbeddedServer, gate: Gate, url: str, tls: Tls
) -> None:
    async with reached(server, gate), Connection(url, access=Access(tls=tls)) as connection:
        echo = await ServedModel.open(connection, "echo")
        np.testing.assert_array_equal((await echo(x=X))["y"], X)


async def test_many_calls_at_once_come_back_as_they_went(
    server: EmbeddedServer, gate: Gate, url: str, tls: Tls
) -> None:
    async with reached(server, gate), Connection(url, access=Access(tls=tls)) as connection:
        echo = await ServedModel.open(connection, "echo")
        answers = await asyncio.gather(*(echo(x=X * n) for n in range(50)))
    for n, answer in enumerate(answers):
        np.testing.assert_array_equal(answer["y"], X * n)


async def test_it_loads_no_models_and_shares_no_memory(
    server: EmbeddedServer, gate: Gate, tls: Tls
) -> None:
    """This host's own key does not help, where a name could be anybody's."""
    own = f"grpcs://{gate.host}:{gate.port}"
    async with reached(server, gate):
        connection = Connection(own.replace("127.0.0.1", "localhost"), access=Access(tls=tls))
        try:
            with pytest.raises(AccessError, match="key 'lipsync-key'"):
                await connection.register_memory("any", 64)
        finally:
            await connection.close()


async def refusal(url: str, access: Access) -> str:
    with pytest.raises(ServerError) as caught:
        async with Connection(url, access=access):
            pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_a_client_without_a_certificate_is_turned_away(
    server: EmbeddedServer, gate: Gate, url: str
) -> None:
    async with reached(server, gate):
        said = await refusal(url, Access(tls=Tls(ca=gate.client_ca)))
    assert "No Triton server answers" in said or "over TLS" in said


async def test_a_client_whose_certificate_somebody_else_signed_is_turned_away(
    server: EmbeddedServer, gate: Gate, url: str, tls: Tls, tmp_path: Path
) -> None:
    other = trustme.CA().issue_cert("somebody@example.org")
    other.cert_chain_pems[0].write_to_path(tmp_path / "other.pem")
    other.private_key_pem.write_to_path(tmp_path / "other.key")
    forged = replace(tls, certificate=tmp_path / "other.pem", key=tmp_path / "other.key")
    async with reached(server, gate):
        said = await refusal(url, Access(tls=forged))
    assert "No Triton server answers" in said or "over TLS" in said


async def test_a_server_that_the_clients_authorities_did_not_sign_is_not_trusted(
    server: EmbeddedServer, gate: Gate, url: str, tls: Tls, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "others.pem")
    async with reached(server, gate):
        said = await refusal(url, Access(tls=replace(tls, ca=tmp_path / "others.pem")))
    assert "do not trust each other over TLS" in said
    assert "CERTIFICATE_VERIFY_FAILED" in said


async def test_a_client_without_tls_gets_nothing(
    server: EmbeddedServer, gate: Gate, url: str
) -> None:
    async with reached(server, gate):
        said = await refusal(url.removeprefix("grpcs://"), Access())
    assert "grpcs:// where it speaks TLS" in said


async def test_tls_to_a_server_without_it_is_told(server: EmbeddedServer, tls: Tls) -> None:
    said = await refusal(f"grpcs://{server.url}", Access(tls=tls))
    assert "do not trust each other over TLS" in said


def test_old_protocols_are_refused(gate: Gate) -> None:
    context = gate.context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_a_key_of_another_certificate_is_told(gate: Gate, ca: trustme.CA, tmp_path: Path) -> None:
    ca.issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "another.key")
    with pytest.raises(InputError, match=r"cannot be used together \(KEY_VALUES_MISMATCH\)"):
        replace(gate, key=tmp_path / "another.key").context()


async def test_a_port_that_is_taken_is_told(server: EmbeddedServer, gate: Gate) -> None:
    taken = replace(gate, port=int(server.url.rpartition(":")[2]))
    with pytest.raises(InputError, match="choose another address with --tls-listen"):
        async with reached(server, taken):
            pass


async def test_clients_find_a_restarted_server_again(
    repository: Path, gate: Gate, url: str, tls: Tls
) -> None:
    write_echo(repository)
    access = Access(tls=tls)
    async with (
        await EmbeddedServer.start(repository) as own,
        reached(own, gate),
        Connection(url, access=access, retry_timeout_s=30) as connection,
    ):
        echo = await ServedModel.open(connection, "echo")
        await echo(x=X)
        await own.restart()
        np.testing.assert_array_equal((await echo(x=X))["y"], X)


async def test_serve_lets_clients_in_when_it_is_ready(
    repository: Path, gate: Gate, url: str, tls: Tls
) -> None:
    write_echo(repository)
    ports, ready = choose_ports(), asyncio.Event()
    serving = asyncio.create_task(
        serve(
            repository,
            grpc_port=ports.grpc,
            http_port=ports.http,
            metrics_port=ports.metrics,
            gate=gate,
            on_ready=lambda _: ready.set(),
        )
    )
    try:
        await ready.wait()
        async with Connection(url, access=Access(tls=tls)) as connection:
            assert await connection.model_versions("echo") == ["1"]
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    await refusal(url, Access(tls=tls))


def test_the_command_wants_all_that_tls_needs(gate: Gate) -> None:
    arguments = ["serve", "--tls-listen", f"127.0.0.1:{gate.port}", "--tls-key", str(gate.key)]
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
    )
    assert done.returncode == 2
    assert "--tls-client-ca" in done.stderr


async def test_a_name_that_is_not_in_the_certificate_is_told(
    server: EmbeddedServer, gate: Gate, tls: Tls
) -> None:
    async with reached(server, gate):
        said = await refusal(f"grpcs://127.0.0.1:{gate.port}", Access(tls=tls))
    assert "Hostname Verification Check failed" in said
