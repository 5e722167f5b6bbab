"""Changes of a model repository that are whole or not there at all.

Exporters at once wait for each other by a lock on the repository's folder, which a killed one gives
up. What it leaves has a name that begins with `.export-`, which no server takes for a version, and
is removed by the next.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client.errors import OutputError

PREFIX = ".export-"


@contextmanager
def locked(repository: Path) -> Iterator[None]:
    """Waits until no other exporter changes a repository, and makes its folder where there is none.

    Raises:
        OutputError: If it cannot be opened, locked or changed.
    """
    try:
        repository.mkdir(parents=True, exist_ok=True)
        handle = os.open(repository, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError(
            f"The model repository {repository} cannot be changed ({error.strerror}: "
            f"{error.filename or repository}); name one that you may write."
        ) from error


@contextmanager
def staged(parent: Path) -> Iterator[Path]:
    """Makes a folder that is gone at the end, unless it was renamed.

    Args:
        parent: Folder of a repository that is locked, or of a model in it.
    """
    remove_abandoned(parent)
    path = parent / f"{PREFIX}{secrets.token_hex(4)}"
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_abandoned(parent: Path) -> None:
    """Removes what exporters that were killed have left; whoever holds the lock may."""
    for path in parent.glob(f"{PREFIX}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that readers see the old text or the new one, and nothing between."""
    part = path.with_name(f"{PREFIX}{path.name}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
