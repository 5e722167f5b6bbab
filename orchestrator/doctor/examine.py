"""All checks together."""

import asyncio
from collections.abc import Callable

from client.endpoint import Access
from client.errors import LipSyncError
from orchestrator.doctor.finding import Finding, wrong
from orchestrator.doctor.gpu import check_gpu
from orchestrator.doctor.machine import (
    check_cores,
    check_memory,
    check_shared_memory,
    check_temporary_folder,
)
from orchestrator.doctor.ports import check_ports
from orchestrator.doctor.repository import check_repository
from orchestrator.doctor.running import check_running
from orchestrator.doctor.versions import (
    check_application,
    check_machine,
    check_python,
    check_server,
)

Check = Callable[[], list[Finding]]

CHECKS: tuple[Check, ...] = (
    check_python,
    check_application,
    check_machine,
    check_server,
    check_cores,
    check_memory,
    check_gpu,
    check_shared_memory,
    check_temporary_folder,
    check_ports,
    check_repository,
    check_running,
)


async def examine(url: str | None = None, access: Access | None = None) -> list[Finding]:
    """Looks at everything that a job needs; starts and changes nothing.

    Args:
        url: gRPC endpoint of a server that is looked at, too.
        access: What is shown to that server.

    Raises:
        InputError: If the endpoint, or a file of `access`, cannot be used.
    """
    found = await asyncio.gather(*(asyncio.to_thread(run_check, check) for check in CHECKS))
    served = [] if url is None else await _served(url, access or Access())
    return [finding for findings in (*found, served) for finding in findings]


def run_check(check: Check) -> list[Finding]:
    """Runs one check; what it cannot look at is a finding, too."""
    try:
        return check()
    except (ImportError, OSError, ValueError, LipSyncError) as error:
        subject = check.__name__.removeprefix("check_").replace("_", " ")
        return [wrong(subject, "cannot be looked at", str(error))]


async def _served(url: str, access: Access) -> list[Finding]:
    from orchestrator.doctor.served import check_served  # its libraries may be what is broken

    return await check_served(url, access)
