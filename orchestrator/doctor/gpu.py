"""Is there a GPU, and could models run on it?"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from client.errors import ServerError
from orchestrator.doctor.finding import Finding, ok, warning
from orchestrator.server.runtime import find_runtime

TIMEOUT_S = 3.0
_QUERY = ["--query-gpu=name,driver_version,memory.total,memory.used", "--format=csv,noheader"]
# Opens the provider as ONNX Runtime would; a library that it lacks is named in the error.
_LOAD = """
import ctypes, sys
for name in sys.argv[1:]:
    try:
        ctypes.CDLL(name, ctypes.RTLD_GLOBAL)
    except OSError as error:
        sys.exit(str(error))
"""


def check_gpu() -> list[Finding]:
    """Looks for GPUs and for a CUDA provider that loads."""
    gpus = _gpus()
    if gpus is None:
        return [ok("GPU", "none; models run on the CPU")]
    if not gpus:
        mend = "Repair the driver: nvidia-smi must list the GPU."
        return [warning("GPU", "nvidia-smi is there and shows none", mend)]
    return [ok("GPU", "; ".join(gpus)), _cuda()]


def _gpus() -> list[str] | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - the driver's own program
            [program, *_QUERY], capture_output=True, check=True, text=True, timeout=TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _cuda() -> Finding:
    subject, mend = "CUDA provider", "Install onnxruntime-gpu in .triton for --device cuda."
    try:
        runtime = find_runtime()
    except ServerError:
        return warning(subject, "no server environment to look into", "Run make setup.")
    folder = runtime.site_packages / "onnxruntime" / "capi"
    parts = [folder / f"libonnxruntime_providers_{part}.so" for part in ("shared", "cuda")]
    if not all(part.exists() for part in parts):
        return warning(subject, "the server's ONNX Runtime is built for the CPU only", mend)
    failure = load_failure(runtime.root / "bin" / "python", [runtime.libraries], parts)
    if failure:
        return warning(subject, f"does not load: {failure}", "Install the library that it names.")
    return ok(subject, "loads")


def load_failure(python: Path, folders: Sequence[Path], libraries: Sequence[Path]) -> str:
    """Returns why libraries do not load in a process of their own; nothing if they do.

    Args:
        python: The Python of that process.
        folders: Where it finds other libraries.
        libraries: What is loaded, in this order.
    """
    command = [str(python), "-I", "-c", _LOAD, *map(str, libraries)]
    path = os.pathsep.join([*map(str, folders), os.environ.get("LD_LIBRARY_PATH", "")])
    try:
        done = subprocess.run(  # noqa: S603 - the project's own environment
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            env=os.environ | {"LD_LIBRARY_PATH": path.strip(os.pathsep)},
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return " ".join(done.stderr.split()) if done.returncode else ""
