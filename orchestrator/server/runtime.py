"""The embedded server's runtime: the tritonserver binary in an environment of its own."""

import json
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from client.errors import ServerError

CHECKOUT = Path(__file__).resolve().parents[2]
RUNTIME_VARIABLE = "LIPSYNC_TRITON"
MIN_GLIBC = (2, 35)
PROBE_TIMEOUT_S = 60.0
NO_TELEMETRY = {"ORT_DISABLE_TELEMETRY": "1"}  # ONNX Runtime reports its use unless told not to

_PROBE = """
import json, sys, sysconfig
variables = sysconfig.get_config_vars()
libraries = variables.get("LIBDIR") or sys.base_prefix + "/lib"
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "site_packages": sysconfig.get_path("purelib"),
    "folders": [
        libraries,
        libraries + "/" + (variables.get("MULTIARCH") or ""),
        sys.base_prefix + "/lib",
    ],
}))
"""
_CUDA_PROBE = "import onnxruntime as o; print(*o.get_available_providers())"


@dataclass(frozen=True)
class Runtime:
    """Where the parts of the server are.

    Attributes:
        root: The environment's folder.
        python_version: Its Python, such as `3.11`: the stub must be of the same version.
        site_packages: Its packages.
        python_library: The shared libpython that the stub needs.
    """

    root: Path
    python_version: str
    site_packages: Path
    python_library: Path

    @property
    def triton(self) -> Path:
        """The folder with Triton's binaries."""
        return self.site_packages / "pytriton" / "tritonserver"

    @property
    def server(self) -> Path:
        """The tritonserver binary."""
        return self.triton / "bin" / "tritonserver"

    @property
    def stub(self) -> Path:
        """The program that hosts a python model, for the environment's Python."""
        folder = self.triton / "python_backend_stubs" / self.python_version
        return folder / "triton_python_backend_stub"

    @property
    def libraries(self) -> Path:
        """The shared libraries that come with Triton."""
        return self.site_packages / "nvidia_pytriton.libs"


def find_runtime(root: Path | None = None) -> Runtime:
    """Finds the runtime and makes sure that this machine can run it.

    Args:
        root: Its environment; by default the variable `LIPSYNC_TRITON`, then `.triton` in the
            checkout.

    Raises:
        ServerError: If the machine or the environment cannot run the server.
    """
    check_platform()
    root = root or Path(os.environ.get(RUNTIME_VARIABLE) or CHECKOUT / ".triton")
    probe = json.loads(_run_python(root, _PROBE))
    runtime = Runtime(
        root=root.absolute(),
        python_version=probe["version"],
        site_packages=Path(probe["site_packages"]),
        python_library=find_python_library(probe["version"], [Path(p) for p in probe["folders"]]),
    )
    _check_parts(runtime)
    return runtime


def _check_parts(runtime: Runtime) -> None:
    for part in (runtime.server, runtime.libraries):
        if not part.exists():
            raise ServerError(
                f"The server's environment {runtime.root} lacks {part.name}: remove it and run "
                "make setup."
            )
    if not runtime.stub.exists():
        raise ServerError(
            f"The server's environment {runtime.root} has Python {runtime.python_version}, for "
            "which Triton brings no stub: remove it and run make setup PYTHON=/path/to/python3.11 "
            "(or 3.12)."
        )


def check_platform() -> None:
    """Makes sure that tritonserver's binary fits this machine.

    Raises:
        ServerError: If it does not.
    """
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise ServerError(
            f"The embedded Triton server runs on Linux x86_64 only, not on {system} {machine}: "
            "name a server elsewhere with --url."
        )
    check_glibc(platform.libc_ver()[1])


def check_glibc(version: str) -> None:
    """Makes sure that the C library is glibc 2.35 or newer.

    Args:
        version: Its version, such as `2.36`; empty when it is not glibc.

    Raises:
        ServerError: If it is older, or another library.
    """
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < MIN_GLIBC:
        found = f"glibc {version}" if version else "another C library"
        raise ServerError(
            f"The embedded Triton server needs glibc 2.35 or newer and this system has {found}: "
            "use Debian 12, Ubuntu 22.04 or newer, or name a server elsewhere with --url."
        )


def find_python_library(version: str, folders: list[Path]) -> Path:
    """Returns the shared libpython of a version.

    Raises:
        ServerError: If no folder has it.
    """
    name = f"libpython{version}.so.1.0"
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise ServerError(
        f"The embedded Triton server needs {name}, which is not in {folders[0]}: install it "
        f"(Debian and Ubuntu: libpython{version}; Fedora: python{version}-libs; pyenv: build "
        "Python with --enable-shared)."
    )


def has_cuda(runtime: Runtime) -> bool:
    """Tells whether the runtime's ONNX Runtime was built with CUDA."""
    return "CUDAExecutionProvider" in _run_python(runtime.root, _CUDA_PROBE)


def require_cuda(runtime: Runtime) -> None:
    """Makes sure that the runtime's ONNX Runtime was built with CUDA.

    Raises:
        ServerError: If it was not.
    """
    if not has_cuda(runtime):
        raise ServerError(
            f"The embedded server's environment {runtime.root} has no ONNX Runtime with CUDA: "
            "install onnxruntime-gpu in it, or choose --device cpu."
        )


def _run_python(root: Path, code: str) -> str:
    python = root / "bin" / "python"
    command = [str(python), "-I", "-c", code]
    try:
        done = subprocess.run(  # noqa: S603 - the program is the project's own environment
            command,
            capture_output=True,
            check=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            env=os.environ | NO_TELEMETRY,
        )
    except FileNotFoundError as error:
        raise _absent(root, python) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(
            f"The Python of the embedded server's environment {root} does not run: remove it and "
            "run make setup."
        ) from error
    return done.stdout


def _absent(root: Path, python: Path) -> ServerError:
    if python.is_symlink():
        return ServerError(
            f"The Python that the embedded server's environment {root} was made with is gone "
            f"({python.readlink()}): remove {root} and run make setup."
        )
    return ServerError(f"The embedded server's environment {root} does not exist: run make setup.")
