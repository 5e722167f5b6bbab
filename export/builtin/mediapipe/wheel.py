"""The pinned MediaPipe wheel that holds the TFLite files; only opened as a zip, never installed."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from client.errors import InputError

REQUIREMENT = "mediapipe==0.10.21"
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
# The tags are pinned so that every host takes the same file, whatever its own Python is.
_TAGS = (
    *("--implementation", "cp", "--python-version", "3.11"),
    *("--platform", "manylinux_2_28_x86_64", "--only-binary=:all:"),
)

DETECTION_FILE = "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite"
LANDMARK_FILE = "mediapipe/modules/face_landmark/face_landmark.tflite"
TFLITE_SHA256 = {
    DETECTION_FILE: "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    LANDMARK_FILE: "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
}


def download_wheel(folder: Path, timeout_s: float = 300.0) -> Path:
    """Downloads the pinned wheel with pip from the configured package index.

    Raises:
        InputError: If pip cannot download the wheel.
    """
    pip = _pip_command()
    command = [*pip, "download", "--quiet", "--no-deps", *_TAGS, "--dest", str(folder), REQUIREMENT]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout_s)  # noqa: S603
    except (subprocess.SubprocessError, OSError) as error:
        tail = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1:]
        raise InputError(
            f"{REQUIREMENT} could not be downloaded ({' '.join(tail)}); "
            "give a local copy of the wheel with --wheel"
        ) from error
    return next(folder.glob("mediapipe-*.whl"))


def read_tflite(wheel: Path, member: str) -> bytes:
    """Returns one TFLite file of the wheel after checking both sha256 sums.

    Raises:
        InputError: If the wheel or the file in it is not the pinned one.
    """
    if not wheel.is_file():
        raise InputError(f"{wheel} is not a file; give the wheel of {REQUIREMENT} with --wheel")
    _check(wheel.read_bytes(), WHEEL_SHA256, str(wheel))
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(member)
    _check(content, TFLITE_SHA256[member], f"{member} in {wheel}")
    return content


def _pip_command() -> list[str]:
    """Returns a pip that runs here: this Python's, the checkout's, or the one on the path."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    checkout = Path(__file__).parents[3] / ".uv" / "bin" / "pip"
    command = str(checkout) if checkout.exists() else shutil.which("pip3")
    if command is None:
        raise InputError(f"no pip was found to download {REQUIREMENT}; give the wheel with --wheel")
    return [command]


def _check(content: bytes, sha256: str, what: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InputError(f"{what} has sha256 {found}, not {sha256}; take {REQUIREMENT} for cp311")
