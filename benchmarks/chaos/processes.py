"""The processes of one round, told from everybody else's by the folder for temporary files."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.chaos.plan import Plan

END_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True)
class Process:
    """A running process and its command line."""

    pid: int
    command: tuple[str, ...]

    def __str__(self) -> str:
        with suppress(OSError):
            fields = Path(f"/proc/{self.pid}/stat").read_text(errors="replace").rpartition(")")[2]
            return f"{self.pid} ({fields.split()[0]}) {' '.join(self.command)[:160]}"
        return f"{self.pid} (gone) {' '.join(self.command)[:160]}"


def running(temporary: Path) -> list[Process]:
    """Returns every process that was started, by whatever way, with this TMPDIR.

    Dead ones that nobody has collected are not among them: they have no environment.
    """
    mark = b"TMPDIR=" + os.fsencode(temporary)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is another user's
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                found.append(Process(int(folder.name), tuple(map(os.fsdecode, words))))
    return found


def victims(plan: Plan, processes: list[Process], commands: dict[str, int]) -> list[int]:
    """Returns the process ids that a plan strikes; empty until all of them are there.

    Args:
        plan: Says whom.
        processes: The round's.
        commands: Process ids of the commands, by name.
    """
    parts = [_victim(part, plan.model, processes, commands) for part in plan.victim.split(" and ")]
    return [pid for pid in parts if pid is not None] if None not in parts else []


def _victim(
    name: str, model: str, processes: list[Process], commands: dict[str, int]
) -> int | None:
    if name in ("generate", "serve"):
        return commands.get(name)
    for process in processes:
        if _is(process, name, model):
            return process.pid
    return None


def _is(process: Process, name: str, model: str) -> bool:
    program, *rest = process.command
    if name == "guardian":
        return any(word.endswith("/guardian.py") for word in rest)
    if name == "stub":
        is_stub = program.endswith("/triton_python_backend_stub")
        return is_stub and f"/{model}/" in " ".join(rest[:1])
    return program.endswith("/tritonserver")


def strike(pids: list[int], plan: Plan) -> bool:
    """Sends the blow, and wakes up again whom it stopped; returns whether it met anybody."""
    with ExitStack() as stack:
        handles = []
        for pid in pids:
            with suppress(ProcessLookupError):
                handles.append(os.pidfd_open(pid))  # never another process of the same number
                stack.callback(os.close, handles[-1])
        met = [_send(handle, signal.Signals[plan.blow]) for handle in handles]
        if plan.blow == "SIGSTOP":
            time.sleep(plan.pause_s)
            for handle in handles:
                _send(handle, signal.SIGCONT)
    return any(met)


def _send(handle: int, number: signal.Signals) -> bool:
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    return True


def end_all(temporary: Path) -> None:
    """Kills what is left of a round, which only a violation leaves."""
    end_s = time.monotonic() + END_TIMEOUT_S
    while (left := running(temporary)) and time.monotonic() < end_s:
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.05)
