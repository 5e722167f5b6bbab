"""Reading files that may be anything: pipes, folders, forbidden, or far too large."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from orchestrator.validation.finding import Finding, error

MAX_TEXT_BYTES = 16 * 2**20
MAX_HASHED_BYTES = 4 * 2**30  # some seconds; what is larger is not read
MAX_ENTRIES = 10_000  # in one model: a folder that holds more is no model's

T = TypeVar("T")


@dataclass(frozen=True)
class Read(Generic[T]):
    """What was read, or why it could not be."""

    value: T | None
    faults: tuple[Finding, ...] = ()


class UnreadableError(Exception):
    """A file cannot be read; the text is the end of a sentence about it."""


def read_bytes(path: Path, limit: int) -> bytes:
    """Reads a whole file.

    Raises:
        UnreadableError: If it is no regular file, larger than the limit, or not to be read.
    """
    if size_of(path) > limit:
        raise UnreadableError(f"is larger than {in_bytes(limit)}")
    try:
        return path.read_bytes()
    except OSError as failure:
        raise UnreadableError(f"cannot be read ({failure.strerror})") from failure


def size_of(path: Path) -> int:
    """Returns the bytes of a regular file, without opening it.

    Raises:
        UnreadableError: If it is none.
    """
    try:
        state = path.stat()
    except OSError as failure:
        raise UnreadableError(f"cannot be read ({failure.strerror})") from failure
    if not stat.S_ISREG(state.st_mode):
        raise UnreadableError(f"is {_kind(state.st_mode)}, not a file")
    return state.st_size


def read_text(path: Path, place: str, rule: str) -> Read[str]:
    """Reads a text of a repository; what hinders it is a finding."""
    try:
        return Read(read_bytes(path, MAX_TEXT_BYTES).decode("utf-8"))
    except UnreadableError as failure:
        return Read(None, (unreadable(rule, place, failure),))
    except UnicodeDecodeError as failure:
        line = failure.object[: failure.start].count(b"\n") + 1
        found = f"The file is not UTF-8 (byte 0x{failure.object[failure.start]:02x})."
        return Read(None, (error(rule, place, found, "Save it as UTF-8.", line),))


def unreadable(rule: str, place: str, failure: UnreadableError) -> Finding:
    """The finding of a file that cannot be read."""
    mend = "Put the real file there, and let everybody read it."
    return error(rule, place, f"The file {failure}.", mend)


def digest_of(path: Path) -> str | None:
    """Returns the sha256 of a file as lower-case hex; None if it is too large.

    Raises:
        UnreadableError: If it cannot be read.
    """
    if size_of(path) > MAX_HASHED_BYTES:
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as failure:
        raise UnreadableError(f"cannot be read ({failure.strerror})") from failure


def entries_of(folder: Path) -> list[Path]:
    """Returns what is in a folder, by name; nothing where it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def is_open(folder: Path) -> bool:
    """Whether a folder can be looked into."""
    return os.access(folder, os.R_OK | os.X_OK)


def tree_of(folder: Path) -> Iterator[Path]:
    """Yields all that is below a folder, without following links; ends after `MAX_ENTRIES`."""
    waiting, count = [folder], 0
    while waiting:
        for path in entries_of(waiting.pop(0)):
            count += 1
            if count > MAX_ENTRIES:
                return
            yield path
            if is_folder(path) and not path.is_symlink():
                waiting.append(path)


def is_folder(path: Path) -> bool:
    """Whether it is a folder; not where that cannot be told."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path leads into a folder when all links on it are followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a loop of links
        return False


def leads_out(name: str) -> bool:
    """Whether the name of a file, as a text says it, can lead out of the file's folder."""
    return name.startswith("/") or ".." in name.split("/") or "\0" in name


def in_bytes(size: int) -> str:
    """Writes a size for a reader."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
