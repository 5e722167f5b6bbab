"""The private folder of one server: everything that it reads, under paths that a shell can take.

The server starts its python stubs through an unquoted shell line. So it gets no path of the user:
the repository and the runtime are links in a folder whose own path is harmless. The folder is
also the server's working folder, which is where its stubs find the package `backends`.
"""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from client.errors import ServerError
from orchestrator.server.runtime import CHECKOUT, Runtime

PREFIX = "lipsync-"

_HARMLESS = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True)
class Assembly:
    """The parts of a private folder."""

    folder: Path

    @property
    def backends(self) -> Path:
        """Triton's backend directory."""
        return self.folder / "backends"

    @property
    def repository(self) -> Path:
        """A link to the model repository."""
        return self.folder / "repository"

    @property
    def runtime(self) -> Path:
        """A link to the server's environment."""
        return self.folder / "runtime"

    @property
    def python_libraries(self) -> Path:
        """A link to the folder of libpython."""
        return self.folder / "libpython"

    @property
    def log(self) -> Path:
        """The server's log, where the user names no other."""
        return self.folder / "server.log"

    @property
    def charge(self) -> Path:
        """What the guardian is to do."""
        return self.folder / "guardian.json"


def assemble(runtime: Runtime, repository: Path) -> Assembly:
    """Makes the private folder of one server.

    Raises:
        ServerError: If the folder cannot be made.
    """
    assembly = Assembly(make_folder())
    try:
        _fill(assembly, runtime, repository)
    except OSError as error:
        shutil.rmtree(assembly.folder, ignore_errors=True)
        raise no_room(assembly.folder, error) from error
    return assembly


def no_room(folder: Path, error: OSError) -> ServerError:
    """Returns the error of a file that cannot be written into a private folder."""
    # A copied tree tells each file that failed, as (source, destination, reason); one is enough.
    reason = error.args[0][0][2] if isinstance(error, shutil.Error) else error
    return ServerError(
        f"The embedded server's files cannot be put into {folder} ({reason}): make room there, or "
        "set TMPDIR to a folder elsewhere."
    )


def parent_folder() -> Path:
    """Returns where private folders are made.

    Raises:
        ServerError: If nothing may be executed there.
    """
    parent = Path(tempfile.gettempdir())
    # mkdtemp makes a folder that is this user's alone, there too
    folders = [parent] if _HARMLESS.fullmatch(str(parent)) else []
    for folder in (*folders, Path("/tmp")):  # noqa: S108
        if not os.statvfs(folder).f_flag & os.ST_NOEXEC:
            return folder
    raise ServerError(
        f"The embedded server starts programs in {parent}, which is mounted noexec: set TMPDIR to "
        "a folder elsewhere, without spaces or signs in its path."
    )


def make_folder() -> Path:
    """Makes an empty folder, for this user alone, whose path holds nothing a shell would read.

    Raises:
        ServerError: If there is no room for it.
    """
    parent = parent_folder()
    try:
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        raise ServerError(
            f"No temporary folder can be made in {parent} ({error}): make room, or set TMPDIR."
        ) from error


def _fill(assembly: Assembly, runtime: Runtime, repository: Path) -> None:
    assembly.repository.symlink_to(repository.resolve())
    assembly.runtime.symlink_to(runtime.root)
    assembly.python_libraries.symlink_to(runtime.python_library.parent)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "backends", assembly.backends, ignore=ignored)
    shutil.copytree(runtime.triton / "backends" / "python", assembly.backends / "python")
    # A copy: the server changes the mode of a stub that does not start.
    shutil.copy2(runtime.stub, assembly.backends / "python" / runtime.stub.name)
