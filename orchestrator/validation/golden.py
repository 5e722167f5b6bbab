"""Golden files: inputs and the outputs that a version must give, read as far as their headers."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from client.tensors import TensorSpec
from orchestrator.validation.config import Config, is_carried
from orchestrator.validation.files import UnreadableError, leads_out, size_of, unreadable
from orchestrator.validation.finding import Finding, error, listed
from orchestrator.validation.manifest_file import PUBLISH, Document, is_sha256
from orchestrator.validation.repository import Version

MAX_MEMBERS = 1000


@dataclass(frozen=True)
class Header:
    """Type and shape of an array, without its numbers."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """Writes it as `float32 [1, 4]`."""
        return f"{self.dtype} {list(self.shape)}"


def golden_file(version: Version) -> Iterator[Finding]:
    """Every version proves that a server gives the numbers that its makers saw."""
    document = version.manifest.value
    if document is None:
        return
    name, digest = document.golden.get("file"), document.golden.get("sha256")
    if not isinstance(name, str) or not name or leads_out(name) or not is_sha256(digest):
        sentence = "The manifest names no golden file with its sha256."
        yield document.finding("golden", "golden", sentence)
    elif not (version.path / name).is_file():
        sentence = "The golden file is missing, so nobody can prove what the version computes."
        yield error("golden", version.place(name), sentence, PUBLISH)
    else:
        yield from _right(version, document, name)


def _right(version: Version, document: Document, name: str) -> Iterator[Finding]:
    try:
        found = version.digest(name)
    except UnreadableError as failure:
        yield unreadable("golden", version.place(name), failure)
        return
    if found != document.golden["sha256"]:
        sentence = "The golden file is not the one that the manifest lists: its sha256 differs."
        yield error("golden", version.place(name), sentence, "Restore it, or publish it again.")
    else:
        yield from _contents(version, document, name)


def _contents(version: Version, document: Document, name: str) -> Iterator[Finding]:
    config = version.model.config.value
    place = version.place(name)
    try:
        arrays = _headers(version.path / name)
    except (UnreadableError, zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        yield error("golden", place, "The golden file is no archive of arrays.", PUBLISH)
        return
    if config is None or config.max_batch_size < 1:
        return
    for wrong in (*_differences(config, arrays), *_tolerances(config, document)):
        yield error("golden", place, wrong, PUBLISH)


def _headers(path: Path) -> dict[str, Header]:
    """Reads the headers of all arrays; their numbers, however many, stay where they are.

    Raises:
        ValueError: If one is no array, or one of Python objects.
    """
    size_of(path)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()[:MAX_MEMBERS]
        found = {}
        for member in members:
            with archive.open(member) as file:
                found[member.filename.removesuffix(".npy")] = _header(file)
    return found


def _header(file: IO[bytes]) -> Header:
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(version)
    read = np.lib.format.read_array_header_1_0
    if version == (2, 0):
        read = np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError(dtype)
    return Header(dtype, shape)


def _differences(config: Config, arrays: Mapping[str, Header]) -> Iterator[str]:
    for kind, specs in (("input", config.inputs), ("output", config.outputs)):
        missing = [name for name in specs if f"{kind}_{name}" not in arrays]
        if missing:
            yield f"The golden file lacks the {kind} {listed(missing)}."
        for name, spec in specs.items():
            header = arrays.get(f"{kind}_{name}")
            if header is not None and is_carried(spec.datatype) and not _fits(header, spec, config):
                yield (
                    f"The {kind} {name} is {header} in the golden file, and the configuration says "
                    f"{spec} behind a batch of {config.max_batch_size} at most."
                )


def _fits(header: Header, spec: TensorSpec, config: Config) -> bool:
    if header.dtype != spec.dtype or not header.shape:
        return False
    return 1 <= header.shape[0] <= config.max_batch_size and spec.fits(header.shape[1:])


def _tolerances(config: Config, document: Document) -> Iterator[str]:
    tolerance = document.golden.get("tolerance")
    known = tolerance if isinstance(tolerance, dict) else {}
    missing = [name for name in config.outputs if not isinstance(known.get(name), int | float)]
    if missing:
        yield f"The manifest has no tolerance for the golden output {listed(missing)}."
