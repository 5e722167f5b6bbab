"""The project's processes that run at the moment, and the threads and memory that each one got."""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from orchestrator.doctor.finding import Finding, ok, warning
from orchestrator.server.assembly import PREFIX
from orchestrator.server.stubs import STUB
from orchestrator.threads import BLAS, BLAS_VARIABLES, CORES_VARIABLE, given_cores

PROC = Path("/proc")
COMMANDS = ("generate", "serve")

_MODEL_PATH = 1  # word of a stub's command line


def check_running(proc: Path = PROC) -> list[Finding]:
    """Lists this user's jobs, servers and models."""
    findings = []
    for folder in sorted(proc.glob("[0-9]*"), key=lambda folder: int(folder.name)):
        with suppress(OSError):  # it ended meanwhile
            words = (folder / "cmdline").read_text(errors="replace").split("\0")
            name = _name(words)
            if name is not None and folder.stat().st_uid == os.getuid():
                findings.append(_process(f"{name} {folder.name}", folder))
    return findings


def _process(subject: str, folder: Path) -> Finding:
    environment = dict(_environment(folder))
    status = dict(_status(folder))
    cores = environment.get(CORES_VARIABLE)
    told = f"{CORES_VARIABLE}={cores}" if cores else f"{given_cores()} cores"
    blas = next((environment[name] for name in BLAS_VARIABLES if name in environment), BLAS)
    memory = int(status.get("VmRSS", "0 kB").split()[0]) >> 10
    found = f"{told}, BLAS {blas}; has {status.get('Threads', '?')} threads, {memory} MiB"
    if cores and cores.isdecimal() and int(cores) > given_cores(environment={}):
        mend = f"It counts on more cores than are given: start it again without {CORES_VARIABLE}."
        return warning(subject, found, mend)
    return ok(subject, found)


def _name(words: list[str]) -> str | None:
    """What a process of the project is; None for all others."""
    program = Path(words[0]).name
    if program == STUB and any(word.startswith(PREFIX) for word in words):
        return f"model {Path(words[_MODEL_PATH]).parts[-3]}"
    if program == "tritonserver" and any(f"={PREFIX}" in word for word in words):
        return "tritonserver"
    for before, word in pairwise(words):
        if Path(before).name == "orchestrator" and word in COMMANDS:
            return f"orchestrator {word}"
    return None


def _environment(folder: Path) -> Iterator[tuple[str, str]]:
    for entry in (folder / "environ").read_text(errors="replace").split("\0"):
        name, equals, value = entry.partition("=")
        if equals:
            yield name, value


def _status(folder: Path) -> Iterator[tuple[str, str]]:
    for line in (folder / "status").read_text(errors="replace").splitlines():
        name, _, value = line.partition(":")
        yield name, value.strip()
