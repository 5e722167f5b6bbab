"""Zip archives of torch.save and torch.jit.save, opened with suspicion."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.errors import InputError
from export.inert import Storage, Unpickled, unpickle

MAGIC = b"PK\x03\x04"
MAX_MEMBERS = 100_000
MAX_PICKLE_BYTES = 2**28

# torch stores weights as they are and compresses only code and text.
_MAX_GROWTH = 16
_SPARE_BYTES = 2**26


@dataclass(frozen=True)
class Archive:
    """An open archive.

    Attributes:
        path: The file.
        members: Name to size in bytes, both without the archive's own folder.
    """

    path: Path
    zip_file: zipfile.ZipFile
    root: str
    members: Mapping[str, int]

    @property
    def is_script(self) -> bool:
        """Whether it holds a TorchScript model, not only weights."""
        has_code = any(name.startswith("code/") for name in self.members)
        return has_code and "constants.pkl" in self.members

    def unpickled(self) -> Unpickled:
        """Reads what it holds, and checks that its numbers are all there.

        Raises:
            InputError: If it wants code to run, or is damaged.
        """
        if self.members["data.pkl"] > MAX_PICKLE_BYTES:
            raise InputError(
                f"{self.path} describes its tensors in {self.members['data.pkl']} bytes, which no "
                "checkpoint needs; save only the weights."
            )
        with self.zip_file.open(self.root + "data.pkl") as stream:
            found = unpickle(stream, str(self.path), is_script=self.is_script)
        for storage in found.storages.values():
            self._check(storage)
        return found

    def numbers(self, storage: Storage) -> bytearray:
        """Reads the bytes of one storage."""
        with self.zip_file.open(f"{self.root}data/{storage.key}") as stream:
            return bytearray(stream.read(storage.size_bytes))

    def _check(self, storage: Storage) -> None:
        size = self.members.get(f"data/{storage.key}", 0)
        if size < storage.size_bytes:
            raise InputError(
                f"{self.path} is damaged: its record data/{storage.key} has {size} bytes, but its "
                f"tensors are declared with {storage.size_bytes}; copy it again."
            )


@contextmanager
def opened(path: Path, max_bytes: int) -> Iterator[Archive]:
    """Opens an archive.

    Args:
        path: A file that begins with `MAGIC`.
        max_bytes: How much it may hold, unpacked.

    Raises:
        InputError: If it is damaged, unpacks to more than it should, or is another kind of archive.
    """
    try:
        with zipfile.ZipFile(path) as zip_file:
            _check_members(path, zip_file.infolist(), max_bytes)
            root = _root(path, zip_file.namelist())
            yield Archive(path, zip_file, root, _members(zip_file, root))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise InputError(
            f"{path} is cut off or damaged (it begins as a zip archive of torch, but cannot be "
            "read as one): copy it again from where it came."
        ) from error


def _check_members(path: Path, members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    total, size = sum(member.file_size for member in members), path.stat().st_size
    if len(members) > MAX_MEMBERS:
        raise InputError(
            f"{path} has {len(members)} files in it, and no checkpoint has more than "
            f"{MAX_MEMBERS}; name another file."
        )
    if total > max_bytes or total > size * _MAX_GROWTH + _SPARE_BYTES:
        raise InputError(
            f"{path} would unpack from {size} to {total} bytes, which weights do not; name another "
            "file, or raise --max-size-gib if it is that large."
        )
    if any(member.flag_bits & 1 for member in members):
        raise InputError(f"{path} is encrypted; unpack it and pack it again without a password.")


def _root(path: Path, names: list[str]) -> str:
    roots = {name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")}
    root = min(roots, key=len, default="")
    if root.count("/") != 1:
        raise InputError(
            f"{path} is a zip archive, but none of torch.save or torch.jit.save; unpack it and "
            "name the checkpoint inside."
        )
    return root


def _members(zip_file: zipfile.ZipFile, root: str) -> dict[str, int]:
    infos = zip_file.infolist()
    return {
        info.filename.removeprefix(root): info.file_size
        for info in infos
        if info.filename.startswith(root)
    }
