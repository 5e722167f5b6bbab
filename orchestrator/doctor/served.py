"""A running server: is it reachable, and does every model answer an inference?"""

import asyncio
import time

from client.canary import check_models
from client.connection import Connection
from client.endpoint import Access, Endpoint
from client.errors import InputError, LipSyncError
from orchestrator.doctor.finding import Finding, ok, wrong
from orchestrator.settings import load_settings

TIMEOUT_S = 1.5  # of each question: whoever takes longer is not well
_LOG = "Look at the server's log, or restart it."


async def check_served(url: str, access: Access) -> list[Finding]:
    """Runs one inference of every model of the default profile.

    Args:
        url: gRPC endpoint as host:port.
        access: What is shown to the server.

    Raises:
        InputError: If the endpoint is none, or a file of `access` cannot be used.
    """
    Endpoint.parse(url, access)
    try:
        names = sorted(load_settings("default").models.by_role().values())
    except InputError as error:
        return [wrong(f"server {url}", "not looked at: no profile names models", str(error))]
    reached = await _reach(url, access)
    if reached.state == "wrong":
        return [reached]
    return [reached, *await asyncio.gather(*(_canary(url, name, access) for name in names))]


async def _reach(url: str, access: Access) -> Finding:
    subject, connection = f"server {url}", Connection(url, access=access)
    try:
        await connection.check_live(TIMEOUT_S)
    except LipSyncError as error:
        return wrong(subject, "does not answer", str(error))
    finally:
        await connection.close()
    return ok(subject, "answers")


async def _canary(url: str, name: str, access: Access) -> Finding:
    subject, start = f"inference of {name}", time.monotonic()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await check_models(url, [name], timeout_s=TIMEOUT_S, access=access)
    except TimeoutError:
        return wrong(subject, f"no answer within {TIMEOUT_S:g} s", _LOG)
    except LipSyncError as error:
        return wrong(subject, "fails", str(error))
    return ok(subject, f"{(time.monotonic() - start) * 1000:.0f} ms, connection included")
