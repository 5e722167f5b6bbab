"""What the machine gives: cores, memory, shared memory and room for temporary files."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orchestrator.cgroups import cpu_quota, memory_limit
from orchestrator.doctor.finding import Finding, ok, warning, wrong
from orchestrator.server.assembly import PREFIX
from orchestrator.server.leftovers import SHM_PREFIX, processes
from orchestrator.server.memory import SHM_FOLDER, needed_bytes
from orchestrator.threads import BLAS, CORES_VARIABLE, OPENCV, ThreadPlan

MODELS = 4
PLENTY_BYTES = 4 * 2**30  # jobs and the server's processes together, in 1080p
BACKWARDS_BYTES = 512 * 2**20  # what playing a clip backwards keeps in the temporary folder
MOUNTS = Path("/proc/self/mountinfo")


def check_cores() -> list[Finding]:
    """Compares the cores that are given with those of the machine."""
    plan = ThreadPlan.of_this_process()
    quota, machine = cpu_quota(), os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0))
    granted = "no quota" if quota is None else f"a quota of {quota:g}"
    found = f"{plan.cores} used; the machine has {machine}, {allowed} allowed, {granted}"
    if os.environ.get(CORES_VARIABLE):
        found += f"; {CORES_VARIABLE}={os.environ[CORES_VARIABLE]}"
    few = plan.cores < 2
    mend = "Give it 2 or more: a job decodes, renders and encodes at the same time."
    cores = warning("cores", found, mend) if few else ok("cores", found)
    return [cores, *_shares(plan)]


def check_memory(meminfo: Path = Path("/proc/meminfo")) -> list[Finding]:
    """Looks at the memory of the machine and at what the control groups leave of it."""
    machine = _machine_memory(meminfo)
    limit = memory_limit()
    given = machine if limit is None else min(machine, limit)
    found = f"{_size(given)} given, {_size(machine)} in the machine"
    if given >= PLENTY_BYTES:
        return [ok("memory", found)]
    return [warning("memory", found, "Give it 4 GiB: long or large clips may be killed.")]


def check_shared_memory(folder: Path = SHM_FOLDER) -> list[Finding]:
    """Looks at the room for tensors between the server and its models, and at leftovers there."""
    subject, needed = "shared memory", needed_bytes(MODELS)
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return [wrong(subject, f"{folder}: {error.strerror}", f"Mount a tmpfs at {folder}.")]
    found = f"{folder}: {_size(usage.free)} free of {_size(usage.total)}"
    mend = f"The embedded server needs {_size(needed)}: enlarge it (a container: --shm-size=1g)."
    room = ok(subject, found) if usage.free >= needed else wrong(subject, found, mend)
    return [room, *_leftovers(folder)]


def check_temporary_folder(mounts: Path = MOUNTS) -> list[Finding]:
    """Looks at the room for temporary files, and whether it is memory in truth."""
    subject = "temporary folder"
    try:
        folder = Path(tempfile.gettempdir())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return [wrong(subject, str(error), "Set TMPDIR to a folder that can be written.")]
    kind = _file_system(folder, mounts)
    found = f"{folder}: {_size(free)} free, {kind}"
    if free < BACKWARDS_BYTES:
        needed = _size(BACKWARDS_BYTES)
        mend = f"Playing a clip backwards keeps up to {needed} there: make room, or set TMPDIR."
        return [warning(subject, found, mend)]
    if kind == "tmpfs":
        mend = "A tmpfs is memory, up to 512 MiB of it for each job: set TMPDIR to a disk's folder."
        return [warning(subject, found, mend)]
    return [ok(subject, found)]


def _shares(plan: ThreadPlan) -> Iterator[Finding]:
    job = f"encoder {plan.encoder}, decoder {plan.decoder}, OpenCV {OPENCV}, BLAS {BLAS}"
    yield ok("threads of a job", job)
    yield ok("threads of a model", f"ONNX Runtime {plan.cores} shared by instances, BLAS {BLAS}")


def _leftovers(folder: Path) -> Iterator[Finding]:
    """Regions whose server is gone; the next start of a server removes only what it can prove."""
    regions = sorted(folder.glob(f"{PREFIX}*"))
    owners = {own[0] for region in regions if (own := SHM_PREFIX.match(region.name))}
    dead = {owner for owner in owners if not processes(owner)}
    stale = [region for region in regions if region.name.startswith(tuple(dead))]
    if stale:
        found = f"{len(stale)} regions of servers that were killed"
        mend = f"Remove them: rm {' '.join(str(folder / owner) + '*' for owner in sorted(dead))}"
        yield warning("shared memory leftovers", found, mend + ".")


def _machine_memory(meminfo: Path) -> int:
    for line in meminfo.read_text(encoding="ascii").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _file_system(folder: Path, mounts: Path) -> str:
    """Kind of the file system of a folder: that of the innermost mount point above it."""
    kinds = {}
    for line in mounts.read_text(encoding="utf-8").splitlines():
        left, _, right = line.partition(" - ")
        kinds[left.split(" ")[4]] = right.split(" ")[0]
    resolved = folder.resolve()
    places = (str(place) for place in (resolved, *resolved.parents))
    return next((kinds[place] for place in places if place in kinds), "unknown file system")


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count >> 20} MiB"
