"""A file in the making: nameless where the disk has such files, so that nothing can leave it."""

import os
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol
from uuid import uuid4


class Unfinished(Protocol):
    """A file that is not there until it is complete.

    Attributes:
        path: Where to write it; it can be opened several times, for reading too.
    """

    path: Path

    def put(self, output: Path) -> None:
        """Puts the file in place, atomically; one that is replaced passes its permissions on.

        Args:
            output: Its name, in the folder that it was started in.

        Raises:
            OSError: If it cannot be put there.
        """

    def discard(self) -> None:
        """Removes the file if it is not in place; may be called twice."""


def start_file(folder: Path) -> Unfinished:
    """Starts an empty file, with the permissions that every new file gets.

    Where it cannot even be made in the folder, the first writing tells so.
    """
    try:
        return Nameless(folder)
    except (AttributeError, OSError):  # not Linux, not this kind of disk, or no /proc
        return Hidden(folder)


class Nameless:
    """A file without a name: it goes with the process, even when that is killed."""

    def __init__(self, folder: Path) -> None:
        with ExitStack() as stack:
            self._file = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
            stack.callback(os.close, self._file)
            self._files = os.open("/proc/self/fd", os.O_PATH | os.O_DIRECTORY)
            stack.callback(os.close, self._files)
            self.path = Path(f"/proc/self/fd/{self._file}")
            self._undo = stack.pop_all()

    def put(self, output: Path) -> None:
        """Gives the file its name."""
        mode = _mode(output)
        if mode is not None:
            os.fchmod(self._file, mode)
        try:
            self._link(output)
        except FileExistsError:
            self._replace(output)
        except OSError:  # a disk that lets such files be made, but not be named
            self._copy(output)

    def discard(self) -> None:
        """Lets go of the file, which ends it if it has no name."""
        self._undo.close()

    def _replace(self, output: Path) -> None:
        """A link replaces nothing: it takes a name for the moment before it does."""
        hidden = _hidden(output.parent)
        self._link(hidden)
        try:
            hidden.replace(output)
        except OSError:
            hidden.unlink()
            raise

    def _copy(self, output: Path) -> None:
        hidden = Hidden(output.parent)
        try:
            shutil.copyfile(self.path, hidden.path)
            hidden.put(output)
        finally:
            hidden.discard()

    def _link(self, name: Path) -> None:
        # From a folder's descriptor: the plain path is taken for a link on another disk.
        os.link(str(self._file), name, src_dir_fd=self._files, follow_symlinks=True)


class Hidden:
    """A file whose name begins with a dot; a process that is killed leaves it behind."""

    def __init__(self, folder: Path) -> None:
        self.path = _hidden(folder)

    def put(self, output: Path) -> None:
        """Gives the file its own name."""
        mode = _mode(output)
        if mode is not None:
            self.path.chmod(mode)
        self.path.replace(output)

    def discard(self) -> None:
        """Removes the file, if it was ever written; what went wrong before matters more."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def _hidden(folder: Path) -> Path:
    # Short whatever the output's name, which may be as long as the disk allows.
    return folder / f".{uuid4().hex[:8]}.part.mp4"


def _mode(output: Path) -> int | None:
    """The permissions of a file; None if there is none."""
    try:
        return output.stat().st_mode & 0o7777
    except FileNotFoundError:
        return None
