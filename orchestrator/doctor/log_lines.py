"""Lines of a log of any size and encoding, in bounded memory."""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from client.errors import InputError

CHUNK = 16 * 1024  # longer lines (progress bars, binary data) are read in parts
_QUOTED = 300
_LONGEST_LETTER = 4  # bytes in UTF-8
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# Docker Compose puts the name of the service in front, terminals colours around.
_SERVICE = re.compile(r"^[\w.-]+\s+\| ?")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:[.,](\d{1,6}))?")


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        number: Its number, beginning with 1.
        text: What it says, without colours and the name of a container.
    """

    number: int
    text: str

    @property
    def time(self) -> datetime | None:
        """When it was written, where it says so."""
        found = _TIME.search(self.text[:80])
        if found is None:
            return None
        with suppress(ValueError):
            moment = datetime.fromisoformat(found[1])
            return moment.replace(microsecond=int((found[2] or "0").ljust(6, "0")))
        return None

    @property
    def quoted(self) -> str:
        """What it says, on one line, and not too long for one."""
        text = "".join(c if c.isprintable() else " " for c in self.text).strip()
        return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"


def read_lines(path: Path) -> Iterator[Line]:
    """Yields the lines of a log: UTF-8, GB 18030 (which takes GBK and GB 2312) or UTF-16.

    Bytes that are no text in either become replacement characters.

    Raises:
        InputError: If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(2)
        yield from _utf16_lines(path, _UTF16[head]) if head in _UTF16 else _byte_lines(path)
    except OSError as error:
        raise InputError(f"The log {path} cannot be read ({error.strerror}).") from error


def _byte_lines(path: Path) -> Iterator[Line]:
    number = 1
    with path.open("rb") as file:
        while chunk := file.readline(CHUNK):
            yield Line(number, _tidy(_decoded(chunk)))
            number += chunk.endswith(b"\n")


def _utf16_lines(path: Path, encoding: str) -> Iterator[Line]:
    number = 1
    with path.open(encoding=encoding, errors="replace", newline="\n") as file:
        while chunk := file.readline(CHUNK):
            yield Line(number, _tidy(chunk))
            number += chunk.endswith("\n")


def _decoded(chunk: bytes) -> str:
    try:
        return chunk.decode()
    except UnicodeDecodeError as error:
        if error.start > len(chunk) - _LONGEST_LETTER:  # a letter that the chunk's end cuts
            return chunk.decode(errors="replace")
    with suppress(UnicodeDecodeError):
        return chunk.decode("gb18030")
    return chunk.decode(errors="replace")


def _tidy(text: str) -> str:
    text = text.lstrip("\ufeff").rstrip("\r\n")
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    service = _SERVICE.match(text)
    return text[service.end() :] if service else text
