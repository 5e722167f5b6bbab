"""What a round leaves behind once everything of it has been asked to stop."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.chaos.processes import running

SHM_FOLDER: Final = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
BACKEND_FOLDERS: Final = "python_env_??????"
_OWNED = re.compile(r"lipsync-(?:job-\d+-)?(?P<pid>\d+)-")


@dataclass
class Traces:
    """Leftovers, as a person would want to see them."""

    processes: list[str] = field(default_factory=list)
    shared_memory: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.processes or self.shared_memory or self.files)


def look(temporary: Path, outputs: Path, results: set[Path], pids: set[int]) -> Traces:
    """Looks for leftovers.

    Args:
        temporary: The round's TMPDIR.
        outputs: The folder of its videos.
        results: The videos that belong there.
        pids: Process ids of its commands: shared memory is named after them.
    """
    files = [*temporary.rglob("*"), *(set(outputs.iterdir()) - results)]
    return Traces(
        processes=[str(process) for process in running(temporary)],
        shared_memory=[path.name for path in regions(pids)],
        files=[str(path) for path in files],
    )


def regions(pids: set[int]) -> list[Path]:
    """Returns shared memory of some processes."""
    named = ((path, _OWNED.match(path.name)) for path in SHM_FOLDER.iterdir())
    return [path for path, match in named if match and int(match["pid"]) in pids]


def backend_folders() -> set[Path]:
    """Returns the folders of Triton's python backend, which are whoever's: they tell no owner."""
    return set(Path("/tmp").glob(BACKEND_FOLDERS))  # noqa: S108 - always there
