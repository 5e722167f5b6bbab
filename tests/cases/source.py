"""Files that a case gives to the command."""

from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


class Source(ABC):
    """A file that can be made: a clip, a photo, a recording, or something that is none of them.

    Attributes:
        name: The file's name; its ending chooses the container.
    """

    name: str

    @abstractmethod
    def make(self, path: Path) -> None:
        """Writes the file."""

    def put_into(self, folder: Path) -> Path:
        """Writes the file under its name."""
        path = folder / self.name
        self.make(path)
        return path


@cache
def content(source: Source) -> bytes:
    """The bytes of a source, made once."""
    with TemporaryDirectory() as folder:
        return source.put_into(Path(folder)).read_bytes()
