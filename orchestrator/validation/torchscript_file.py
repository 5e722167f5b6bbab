"""A TorchScript archive, looked at as a zip file: nothing in it is unpickled or run."""

import pickletools
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.validation.files import Read, UnreadableError, size_of, unreadable
from orchestrator.validation.finding import Finding, error

if TYPE_CHECKING:
    from orchestrator.validation.repository import Network

MAX_CODE_BYTES = 16 * 2**20
MAX_MEMBERS = 100_000

_FORWARD = re.compile(r"def forward\(self\b[^,)]*,?(?P<rest>[^)]*)\)", re.DOTALL)
_ARGUMENT = re.compile(r"^\s*(?P<name>[A-Za-z_]\w*)\s*:", re.MULTILINE)


@dataclass(frozen=True)
class TorchScriptFile:
    """What the archive tells.

    Attributes:
        arguments: Names of the arguments of `forward`, in order; None where they are not found.
    """

    arguments: tuple[str, ...] | None


def read_torchscript(path: Path, place: str) -> "Read[Network]":
    """Looks into an archive; what hinders it is a finding."""
    try:
        size_of(path)
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > MAX_MEMBERS:
                return Read(None, (_garbage(place),))
            if not _is_script(names):
                return Read(None, (_not_script(place, names),))
            return Read(TorchScriptFile(_arguments(archive, names)))
    except UnreadableError as failure:
        return Read(None, (unreadable("torchscript-unreadable", place, failure),))
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return Read(None, (_garbage(place),))


def _garbage(place: str) -> Finding:
    return error(
        "torchscript-syntax",
        place,
        "The file is no archive of TorchScript, or only a part of one.",
        "Copy it again, or save the model with torch.jit.save.",
    )


def _not_script(place: str, names: list[str]) -> Finding:
    kind = "pickled weights without code" if _has(names, "data.pkl") else "another kind of archive"
    return error(
        "torchscript-syntax",
        place,
        f"The file is {kind}, not TorchScript, and Triton's PyTorch backend loads nothing else.",
        "Script or trace the model and save it with torch.jit.save.",
    )


def _is_script(names: list[str]) -> bool:
    has_code = any("/code/" in name for name in names)
    return has_code and _has(names, "constants.pkl")


def _has(names: list[str], end: str) -> bool:
    return any(name.endswith(f"/{end}") for name in names)


def _arguments(archive: zipfile.ZipFile, names: list[str]) -> tuple[str, ...] | None:
    """The arguments of the outermost module's `forward`, read as text."""
    found = next(_outer_class(archive, names), None)
    if found is None:
        return None
    module, _, name = found.rpartition(".")
    file = f"/code/{module.replace('.', '/')}.py"
    member = next((n for n in names if n.endswith(file)), None)
    code = _text(archive, member) if member else ""
    body = code.partition(f"class {name}(")[2].partition("\nclass ")[0]
    match = _FORWARD.search(body)
    return tuple(_ARGUMENT.findall(match["rest"].replace(",", "\n"))) if match else None


def _outer_class(archive: zipfile.ZipFile, names: list[str]) -> Iterator[str]:
    """The class that the archive holds first, of the pickle's operations; none of them is run."""
    member = next((name for name in names if name.endswith("/data.pkl")), None)
    if member is None or archive.getinfo(member).file_size > MAX_CODE_BYTES:
        return
    try:
        for operation, argument, _ in pickletools.genops(archive.read(member)):
            if operation.name == "GLOBAL":
                yield str(argument).replace(" ", ".")
    except ValueError:
        return


def _text(archive: zipfile.ZipFile, member: str) -> str:
    if archive.getinfo(member).file_size > MAX_CODE_BYTES:
        return ""
    return archive.read(member).decode("utf-8", "replace")
