"""The key that opens what a server keeps to itself: loading models and sharing memory.

Whoever may load a model may run code as the server's user, and whoever may share memory may read
what others share. A server that is started here takes both only with a key, new at every start,
which lies in a file that its user alone can read.
"""

import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from client.errors import InputError, ServerError

FOLDER = Path("/dev/shm")  # noqa: S108 - whoever cannot see it cannot share memory either
NAME = "lipsync-key"
GRPC_PREFIX = "triton-grpc-protocol-"  # Triton puts it before the name of a key
PRIVATE = 0o600
MAX_BYTES = 4096

_KEY = re.compile(r"(?P<name>[a-z0-9_-]+)=(?P<secret>[!-~]+)")


@dataclass(frozen=True)
class Key:
    """A key as Triton's options name it.

    Attributes:
        name: Of the header that carries it.
        secret: The header's value.
    """

    name: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Returns a key that nobody has."""
        return cls(NAME, secrets.token_urlsafe(32))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads a key file: one line, `name=secret`.

        Raises:
            InputError: If it cannot be read or holds no key.
        """
        try:
            with path.open(encoding="ascii") as file:
                match = _KEY.fullmatch(file.read(MAX_BYTES).strip())
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise InputError(
                f"The key file {path} cannot be read ({reason}): name the file of the server's key."
            ) from error
        if match is None:
            raise InputError(
                f"The key file {path} holds no key: write one line into it, such as "
                "admin-key=SECRET, as in the server's option --grpc-restricted-protocol."
            )
        return cls(match["name"], match["secret"])

    @property
    def text(self) -> str:
        """The line of a key file."""
        return f"{self.name}={self.secret}"

    @property
    def grpc_headers(self) -> dict[str, str]:
        """The metadata of a call that shows the key."""
        return {GRPC_PREFIX + self.name: self.secret}

    @property
    def http_headers(self) -> dict[str, str]:
        """The headers of an HTTP request that shows the key."""
        return {self.name: self.secret}


def local_key_file(grpc_port: int) -> Path:
    """Returns where the key of this user's server at a port of this host lies."""
    return FOLDER / f"{NAME}-{os.getuid()}-{grpc_port}"


def local_key(grpc_port: int) -> Key | None:
    """Returns the key of this user's server at a port of this host; None without one.

    A file that another user could have written is none.
    """
    path = local_key_file(grpc_port)
    with suppress(OSError, InputError):
        status = path.lstat()
        private = stat.S_ISREG(status.st_mode) and not stat.S_IMODE(status.st_mode) & ~PRIVATE
        if private and status.st_uid == os.getuid():
            return Key.read(path)
    return None


def publish(key: Key, grpc_port: int) -> Path:
    """Writes the key of a server at a port of this host, for this user's clients.

    Raises:
        ServerError: If the file cannot be written.
    """
    path = local_key_file(grpc_port)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(new, "x", encoding="ascii", opener=_open_private) as file:
            file.write(f"{key.text}\n")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ServerError(
            f"The key of the embedded server cannot be written to {path} ({error.strerror}): "
            "remove that file, or choose another port."
        ) from error
    return path


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, PRIVATE)
