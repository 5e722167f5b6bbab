"""Shared memory through which the server and its stubs pass tensors."""

import os
import shutil
from pathlib import Path

from client.errors import ServerError

SHM_FOLDER = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
REGION_BYTES = 16 * 2**20
GROWTH_BYTES = 16 * 2**20


def needed_bytes(models: int) -> int:
    """Shared memory of so many models once their regions have grown."""
    return models * (REGION_BYTES + GROWTH_BYTES)


def check_shared_memory(models: int, folder: Path = SHM_FOLDER) -> None:
    """Makes sure that every model's region, once grown, finds room.

    Args:
        models: How many models the server is to load.
        folder: Where the regions lie.

    Raises:
        ServerError: If there is too little room, or none.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ServerError(
            f"The embedded Triton server shares memory in {folder}, which is missing or cannot be "
            "written: mount a tmpfs there."
        )
    needed, free = needed_bytes(models), shutil.disk_usage(folder).free
    if free < needed:
        raise ServerError(
            f"The embedded Triton server needs {needed >> 20} MiB of shared memory and {folder} "
            f"has {free >> 20} MiB free: enlarge it (in a container: --shm-size=1g)."
        )
