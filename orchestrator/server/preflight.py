"""All that an embedded server needs of its machine, looked at before anything is started.

Each check is told in one sentence: what is wrong, and what to do. The server itself would fail
later, or hang, or hand over empty tensors.
"""

import os
import re
import resource
import shutil
from pathlib import Path

from client.errors import ServerError
from orchestrator.server.assembly import parent_folder
from orchestrator.server.memory import check_shared_memory
from orchestrator.server.runtime import Runtime, find_runtime

MIN_OPEN_FILES = 256  # a server of four models that does its work opens about 100

_PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[0-9][^-]*)\.dist-info")


def check_all(models: int) -> Runtime:
    """Makes sure that this machine can run a server.

    Args:
        models: How many models it is to serve.

    Returns:
        The server's environment.

    Raises:
        ServerError: If something is missing.
    """
    runtime = find_runtime()
    check_binaries(runtime)
    check_packages(runtime)
    check_shared_memory(models)
    check_open_files()
    check_bash()
    parent_folder()
    return runtime


def check_binaries(runtime: Runtime) -> None:
    """Makes sure that Triton's programs can be executed where they lie.

    Raises:
        ServerError: If one cannot.
    """
    for program in (runtime.server, runtime.stub):
        if not os.access(program, os.X_OK):
            raise ServerError(
                f"{program} may not be executed, or lies on a disk that is mounted noexec: put "
                f"the project elsewhere, or remove {runtime.root} and run make setup."
            )


def check_packages(runtime: Runtime) -> None:
    """Makes sure that the models' processes find what they import.

    Raises:
        ServerError: If a package is missing, or numpy is too new.
    """
    packages = _packages(runtime.site_packages)
    again = f"remove {runtime.root} and run make setup"
    if not any(name.startswith("onnxruntime") for name in packages):
        raise ServerError(f"The server's environment {runtime.root} lacks onnxruntime: {again}.")
    numpy = packages.get("numpy")
    if numpy is None or not numpy.startswith("1."):
        found = f"numpy {numpy}" if numpy else "no numpy"
        raise ServerError(
            f"The server's environment {runtime.root} has {found}, and Triton's processes need "
            f"numpy 1 (with a newer one they hand over empty tensors): {again}."
        )


def check_open_files(limit: int | None = None) -> None:
    """Makes sure that a server may open enough files: with too few it hangs while it starts.

    Args:
        limit: How many it may open; by default what this process may.

    Raises:
        ServerError: If it may not.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE) if limit is None else (limit, limit)
    if soft != resource.RLIM_INFINITY and soft < MIN_OPEN_FILES:
        raise ServerError(
            f"The embedded Triton server opens up to {MIN_OPEN_FILES} files and this process may "
            f"open {soft}: allow more with ulimit -n 1024."
        )


def check_bash() -> None:
    """Makes sure that there is the shell with which Triton starts its processes.

    Raises:
        ServerError: If there is none.
    """
    if shutil.which("bash") is None:
        raise ServerError(
            "The embedded Triton server needs bash, which is not in PATH: install it."
        )


def _packages(folder: Path) -> dict[str, str]:
    """Name to version of what is installed in a folder."""
    found = (_PACKAGE.fullmatch(path.name) for path in folder.glob("*.dist-info"))
    return {match["name"].lower(): match["version"] for match in found if match}
