"""A model repository whose renderer has a fault before it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

from benchmarks.commands import ROOT, CommandError
from benchmarks.replay import fault

SHIPPED: Final = ROOT / "model_repository"
MODEL: Final = "landmark2face"
TEMPLATE: Final = Path(__file__).with_name("faulty_model.py")
EDITS: Final = (
    (r"^backend: [^\n]*$", 'backend: "python"'),
    (r"^default_model_filename: [^\n]*$", 'default_model_filename: "model.py"'),
    (r"^max_batch_size: \d+$", "max_batch_size: 1"),
    (r"^model_warmup \[.*?^\]$", ""),
)


def served_version(text: str) -> str:
    """Returns the only version that a configuration has served.

    Raises:
        CommandError: If it names several, or none.
    """
    match = re.search(r"^version_policy: \{ specific: \{ versions: \[ (\d+) \]", text, re.MULTILINE)
    if match is None:
        raise CommandError(f"the configuration of {MODEL} does not serve one version")
    return match[1]


VERSION: Final = served_version((SHIPPED / MODEL / "config.pbtxt").read_text("utf-8"))
ONNX: Final = SHIPPED / MODEL / VERSION / "model.onnx"


def make_repository(folder: Path, fault_file: Path) -> Path:
    """Makes a repository of the shipped models and returns it.

    Args:
        folder: Where it is made.
        fault_file: The order that the renderer obeys, see `Order`.
    """
    folder.mkdir()
    for config in SHIPPED.glob("*/config.pbtxt"):
        if config.parent.name != MODEL:
            (folder / config.parent.name).symlink_to(config.parent)
    _make_renderer(folder / MODEL, fault_file)
    return folder


def faulty_config(text: str, fault_file: Path) -> str:
    """Returns the configuration of the renderer as a python model of batch 1.

    Args:
        text: The shipped one; tensors, versions and manifests stay.
        fault_file: Becomes the parameter `fault_file`.

    Raises:
        CommandError: If it is not laid out as it used to be.
    """
    for pattern, replacement in EDITS:
        text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE | re.DOTALL)
        if count != 1:
            raise CommandError(
                f"the configuration of {MODEL} has {count} times {pattern}, not once"
            )
    value = f'{{ key: "fault_file", value: {{ string_value: "{fault_file}" }} }}'
    return f"{text}parameters [ {value} ]\n"


def _make_renderer(folder: Path, fault_file: Path) -> None:
    version = folder / VERSION
    # The server's Python finds it there under the name that it has here.
    package = version / "benchmarks" / "replay"
    package.mkdir(parents=True)
    shutil.copy(Path(fault.__file__), package)
    shutil.copy(TEMPLATE, version / "model.py")
    (version / "model.onnx").symlink_to(ONNX)
    config = faulty_config((SHIPPED / MODEL / "config.pbtxt").read_text("utf-8"), fault_file)
    (folder / "config.pbtxt").write_text(config, encoding="utf-8")
