"""What is left of a server whose guardian was killed: processes, shared memory, private folder."""

import fcntl
import json
import logging
import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

from orchestrator.server.assembly import PREFIX, Assembly
from orchestrator.server.guardian import Charge, clean

logger = logging.getLogger(__name__)

END_TIMEOUT_S = 2.0

SHM_PREFIX = re.compile(rf"{PREFIX}\d+-[0-9a-f]+-")


def hold(folder: Path) -> int:
    """Locks a private folder until the descriptor and its copies in other processes are closed.

    Raises:
        OSError: If another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def processes(shm_prefix: str) -> set[int]:
    """Returns the server and its stubs: each has the region prefix in its command line."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            if shm_prefix.encode() in path.read_bytes():
                found.add(int(path.parent.name))
    return found


def remove(charge: Charge) -> None:
    """Ends what runs of a server and removes what it leaves, as its guardian would have done."""
    end_s = time.monotonic() + END_TIMEOUT_S
    while (running := processes(charge.shm_prefix)) and time.monotonic() < end_s:
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    clean(charge)


def sweep(parent: Path) -> None:
    """Removes what servers left whose owner and guardian were both killed.

    Args:
        parent: Where the private folders lie. Those of others, those without a charge and those
            that an owner or a guardian holds are left alone.
    """
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            _sweep(folder)
        except (OSError, ValueError, TypeError) as error:
            logger.debug("The folder %s is left alone: %s", folder, error)


def _sweep(folder: Path) -> None:
    charge = Charge(**json.loads(Assembly(folder).charge.read_text(encoding="utf-8")))
    own = folder.lstat().st_uid == os.getuid() and charge.folder == str(folder)
    if not own or not SHM_PREFIX.fullmatch(charge.shm_prefix):
        return
    descriptor = hold(folder)
    try:
        remove(charge)
    finally:
        os.close(descriptor)
    logger.info("Removed what a killed server had left in %s", folder)
