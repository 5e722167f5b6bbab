"""The way in from elsewhere: TLS with certificates on both sides, before a server on loopback.

Triton itself stays on the loopback interface, without TLS, for this machine's clients and whoever
watches over it. What arrives here is passed on to it byte by byte.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from client.errors import InputError
from client.tls import check_pem
from orchestrator.server.ports import LOOPBACK

CHUNK_BYTES = 2**18
HANDSHAKE_TIMEOUT_S = 10.0
HTTP2 = "h2"  # what gRPC speaks, in the words of ALPN


@dataclass(frozen=True)
class Gate:
    """Where a server is reached from elsewhere, and who is let in.

    Attributes:
        host: Address to listen at.
        port: TCP port.
        certificate: PEM file of the server's certificate, and of who signed it.
        key: PEM file of its private key.
        client_ca: PEM file of who signs clients: those without such a certificate are turned away.
    """

    host: str
    port: int
    certificate: Path
    key: Path
    client_ca: Path

    def context(self) -> ssl.SSLContext:
        """Returns the rules of the handshake.

        Raises:
            InputError: If a file cannot be used.
        """
        check_pem("--tls-certificate", self.certificate)
        check_pem("--tls-key", self.key)
        check_pem("--tls-client-ca", self.client_ca)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.set_alpn_protocols([HTTP2])
        try:
            context.load_cert_chain(self.certificate, self.key, password="")  # never asks for one
            context.load_verify_locations(self.client_ca)
        except ssl.SSLError as error:
            raise InputError(
                f"The certificate {self.certificate}, its key {self.key} and {self.client_ca} "
                f"cannot be used together ({error.reason}): name a certificate, its private key "
                "without a password, and the certificate of who signs clients."
            ) from error
        return context


@asynccontextmanager
async def opened(gate: Gate | None, grpc_port: int) -> AsyncIterator[None]:
    """Lets clients from elsewhere in while the block runs.

    Args:
        gate: Where, and whom; None lets nobody in.
        grpc_port: The server's port on loopback.

    Raises:
        InputError: If a file or the address cannot be used.
    """
    if gate is None:
        yield
        return
    listener = await _listen(gate, grpc_port)
    try:
        yield
    finally:
        listener.close()


async def _listen(gate: Gate, grpc_port: int) -> asyncio.Server:
    try:
        return await asyncio.start_server(
            partial(_attend, grpc_port=grpc_port),
            gate.host,
            gate.port,
            ssl=gate.context(),
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            limit=CHUNK_BYTES,
        )
    except OSError as error:
        raise InputError(
            f"Nobody can listen at {gate.host}:{gate.port} ({error.strerror}): choose another "
            "address with --tls-listen."
        ) from error


async def _attend(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, grpc_port: int
) -> None:
    """Passes one connection on, in both directions, until either side ends it."""
    try:
        inner_reader, inner_writer = await asyncio.open_connection(
            LOOPBACK, grpc_port, limit=CHUNK_BYTES
        )
    except OSError:  # the server is started anew: the client asks again
        await _shut(writer)
        return
    ways = [
        asyncio.create_task(_pass(reader, inner_writer)),
        asyncio.create_task(_pass(inner_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await _shut(inner_writer)
        await _shut(writer)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never holds more than a few chunks: a slow reader slows the writer down."""
    with suppress(OSError):  # the other side is gone
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()


async def _shut(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
