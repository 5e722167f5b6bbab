"""Is a server ready? Asked over HTTP, without a client library."""

import asyncio

from orchestrator.server.ports import LOOPBACK

_REQUEST = b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def is_ready(http_port: int) -> bool:
    """Tells whether the server on a loopback port has loaded all its models."""
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, http_port)
    except OSError:
        return False
    try:
        writer.write(_REQUEST)
        status = await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()
    return b" 200 " in status
