"""The versions of what runs in both environments."""

import platform
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path

from client.errors import ServerError
from orchestrator.doctor.finding import Finding, ok, wrong
from orchestrator.server.assembly import parent_folder
from orchestrator.server.preflight import check_bash, check_binaries, check_open_files
from orchestrator.server.runtime import Runtime, check_platform, find_runtime

PYTHONS = ((3, 11), (3, 12))
SETUP = "Run make setup."

# Package to the module that shows whether its libraries load.
_APPLICATION = {
    "av": "av",
    "opencv-python-headless": "cv2",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime.capi.onnxruntime_pybind11_state",
    "tritonclient": "tritonclient.grpc",
}
_SERVER = ("nvidia-pytriton", "onnxruntime", "numpy")
_AGAIN = "Remove .triton and run make setup."


def check_python() -> list[Finding]:
    """Looks at the Python that runs the application."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] in PYTHONS:
        return [ok("Python", found)]
    mend = "Use Python 3.11 or 3.12: make setup PYTHON=/path/to/python3.11."
    return [wrong("Python", found, mend)]


def check_application() -> list[Finding]:
    """Looks at the packages of the application and whether they load."""
    return [_loaded(package, module) for package, module in _APPLICATION.items()]


def check_server() -> list[Finding]:
    """Looks at the environment of the embedded server."""
    try:
        runtime = find_runtime()
    except ServerError as error:
        return [wrong("server environment", "cannot be used", str(error))]
    found = f"{runtime.root}, Python {runtime.python_version}, {runtime.python_library}"
    return [_usable(runtime, found), *server_packages(runtime.site_packages)]


def _usable(runtime: Runtime, found: str) -> Finding:
    subject = "server environment"
    try:
        check_binaries(runtime)
        check_open_files()
        check_bash()
        parent_folder()
    except ServerError as error:
        return wrong(subject, "cannot be used", str(error))
    return ok(subject, found)


def check_machine() -> list[Finding]:
    """Looks at the system on which the embedded server's binary has to run."""
    name, version = platform.libc_ver()
    found = f"{platform.system()} {platform.machine()}, {name or 'no glibc'} {version}".rstrip()
    try:
        check_platform()
    except ServerError as error:
        return [wrong("system", found, str(error))]
    return [ok("system", found)]


def _loaded(package: str, module: str) -> Finding:
    try:
        version = metadata.version(package)
        import_module(module)
    except metadata.PackageNotFoundError:
        return wrong(package, "is not installed", SETUP)
    except Exception as error:  # a library of the system that is missing comes in many forms
        return wrong(package, f"does not load: {' '.join(str(error).split())}", SETUP)
    return ok(package, f"{version}{_details(package)}")


def _details(package: str) -> str:
    if package != "av":
        return ""
    return f", FFmpeg {import_module('av').ffmpeg_version_info}"


def server_packages(site: Path) -> Iterator[Finding]:
    """Looks at the packages of the embedded server in their folder."""
    found = {d.name.replace("_", "-"): d.version for d in metadata.distributions(path=[str(site)])}
    for package in _SERVER:
        subject, version = f"server's {package}", found.get(package)
        if version is None:
            yield wrong(subject, "is not installed", _AGAIN)
        elif package == "numpy" and not version.startswith("1."):
            yield wrong(subject, f"{version}: its stubs hand over empty tensors", _AGAIN)
        else:
            yield ok(subject, version)
