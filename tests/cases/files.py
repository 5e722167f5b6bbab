"""Files that are not what their name says, are not whole, or are not there."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tests.cases.source import Source, content
from tests.unit.media.making import cut_start


@dataclass(frozen=True, eq=False)
class Renamed(Source):
    """A medium under another name."""

    of: Source
    name: str

    def make(self, path: Path) -> None:
        path.write_bytes(content(self.of))


@dataclass(frozen=True, eq=False)
class Truncated(Source):
    """The first part of a medium."""

    of: Source
    name: str
    kept: Fraction

    def make(self, path: Path) -> None:
        data = content(self.of)
        path.write_bytes(data[: int(len(data) * self.kept)])


@dataclass(frozen=True, eq=False)
class Bytes(Source):
    """A file with a given content."""

    name: str
    data: bytes

    def make(self, path: Path) -> None:
        path.write_bytes(self.data)


@dataclass(frozen=True, eq=False)
class Changed(Source):
    """A medium after somebody changed its bytes."""

    of: Source
    name: str
    change: Callable[[bytes], bytes]

    def make(self, path: Path) -> None:
        path.write_bytes(self.change(content(self.of)))


@dataclass(frozen=True, eq=False)
class Joined(Source):
    """Files put behind each other, byte by byte."""

    parts: Sequence[Source]
    name: str

    def make(self, path: Path) -> None:
        path.write_bytes(b"".join(content(part) for part in self.parts))


@dataclass(frozen=True, eq=False)
class Trimmed(Source):
    """A clip whose edit list hides its start, as phones cut without encoding anew."""

    of: Source
    name: str
    start_s: Fraction

    def make(self, path: Path) -> None:
        whole = path.with_name(f"whole-{self.of.name}")
        self.of.make(whole)
        cut_start(whole, path, self.start_s)
        whole.unlink()


@dataclass(frozen=True, eq=False)
class Missing(Source):
    """A name without a file."""

    name: str

    def make(self, path: Path) -> None:
        del path


@dataclass(frozen=True, eq=False)
class Folder(Source):
    """A folder."""

    name: str

    def make(self, path: Path) -> None:
        path.mkdir()


@dataclass(frozen=True, eq=False)
class Pipe(Source):
    """A named pipe that nobody writes to."""

    name: str

    def make(self, path: Path) -> None:
        os.mkfifo(path)
