"""Hands a server to its guardian, from the side of the process that wants it."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Self

from client.keys import local_key_file, publish
from orchestrator.server import guardian
from orchestrator.server.assembly import PREFIX, Assembly, assemble, no_room, parent_folder
from orchestrator.server.command import Launch, server_command, server_environment
from orchestrator.server.guardian import SIGNAL_BASE, Charge
from orchestrator.server.leftovers import hold, remove, sweep
from orchestrator.server.log import ServerLog
from orchestrator.server.stubs import Stub, count_dead, find_stubs

GRACE_S = 0.7  # it takes half of that; what is left behind is removed anyway
STOP_TIMEOUT_S = GRACE_S + 5.0


class Keeper:
    """The guardian's process, what it was charged with, and the log of the server that it keeps."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        charge: Charge,
        log: ServerLog,
        lock: int,
        repository: Path,
    ) -> None:
        self.log = log
        self._repository = repository
        self._process = process
        self._charge = charge
        self._lock: int | None = lock

    @classmethod
    async def start(cls, launch: Launch, log_file: Path | None = None) -> Self:
        """Starts a guardian, and with it the server.

        Args:
            launch: What is to be served, and how.
            log_file: File to which the server's log is appended; by default one in its private
                folder.

        Raises:
            InputError: If the log file cannot be written.
            ServerError: If the private folder cannot be made, or the key not be written.
        """
        await asyncio.to_thread(sweep, parent_folder())
        log = ServerLog(log_file) if log_file else None
        assembly = assemble(launch.runtime, launch.repository)
        # Held here and by the guardian: as long as either lives, nobody sweeps the folder away.
        lock = hold(assembly.folder)
        try:
            log = log or ServerLog(assembly.log)
            charge = _write_charge(assembly, launch, log.path)
            if launch.key is not None:
                publish(launch.key, launch.ports.grpc)
            process = await _start_guardian(assembly, lock)
        except BaseException:
            os.close(lock)
            shutil.rmtree(assembly.folder, ignore_errors=True)
            raise
        return cls(process, charge, log, lock, launch.repository)

    @property
    def ended(self) -> bool:
        """Whether the server is gone."""
        return self._process.returncode is not None

    @property
    def was_killed(self) -> bool:
        """Whether the server, or its guardian, was ended by a signal."""
        status = self._process.returncode or 0
        return status < 0 or status - SIGNAL_BASE in set(signal.Signals)

    @property
    def ending(self) -> str:
        """How the server ended, as the rest of a sentence about it."""
        status = self._process.returncode or 0
        if status < 0:
            return f"lost its guardian, which was killed by {signal.Signals(-status).name}"
        if status - SIGNAL_BASE in set(signal.Signals):
            return f"was killed by {signal.Signals(status - SIGNAL_BASE).name}"
        return f"ended with exit status {status}"

    def log_text(self) -> str:
        """Returns what the server has written, with the repository's path for its private link."""
        link = Assembly(Path(self._charge.folder)).repository
        return self.log.text().replace(str(link), str(self._repository))

    def stubs(self) -> list[Stub]:
        """Returns the processes of the server's models."""
        assembly = Assembly(Path(self._charge.folder))
        return find_stubs(self._charge.shm_prefix, assembly.repository)

    def dead_stubs(self) -> int:
        """Returns how many of them died without the server's taking notice."""
        return count_dead(self._charge.shm_prefix)

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until the server has ended and nothing of it is left.

        Args:
            timeout_s: How long; for ever by default.

        Returns:
            Whether it has ended.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._process.wait()
        except TimeoutError:
            return False
        await asyncio.to_thread(self._clean)
        return True

    async def stop(self) -> None:
        """Ends the server; returns when nothing of it is left."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await self.wait(STOP_TIMEOUT_S)
        finally:
            if not self.ended:  # it does not end, or nobody has the time
                with suppress(ProcessLookupError):
                    self._process.kill()
            await self.wait()
            self._release()

    def _clean(self) -> None:
        if Path(self._charge.folder).exists():  # the guardian was killed before it had cleaned
            remove(self._charge)

    def _release(self) -> None:
        self.log.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _write_charge(assembly: Assembly, launch: Launch, log_file: Path) -> Charge:
    shm_prefix = f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}-"
    charge = Charge(
        command=server_command(assembly, launch, shm_prefix),
        environment=server_environment(assembly, launch),
        folder=str(assembly.folder),
        log=str(log_file),
        shm_prefix=shm_prefix,
        parent=os.getpid(),
        grace_s=GRACE_S,
        key=launch.key.text if launch.key else "",
        key_file=str(local_key_file(launch.ports.grpc)),
    )
    try:
        assembly.charge.write_text(json.dumps(asdict(charge)), encoding="utf-8")
    except OSError as error:
        raise no_room(assembly.folder, error) from error
    return charge


async def _start_guardian(assembly: Assembly, lock: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(Path(guardian.__file__)),
        str(assembly.charge),
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,
        pass_fds=(lock,),
    )
