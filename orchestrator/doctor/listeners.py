"""Which program listens on a TCP port of this machine, as /proc tells."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
_LISTENING = "0A"


def listener(port: int, proc: Path = PROC) -> str | None:
    """Returns name and process id of the program that listens on a port.

    None if nobody does, or if the program is another user's, into which only root can look.
    """
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    for process in proc.glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is another user's
            if any(str(link.readlink()) in sockets for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return f"{name} (process {process.name})"
    return None


def _inodes(port: int, proc: Path) -> Iterator[str]:
    """Inodes of the listening sockets of a port: columns 1, 3 and 9 of /proc/net/tcp."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (proc / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
                columns = line.split()
                if columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                    yield columns[9]
