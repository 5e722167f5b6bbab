"""Keeps a server and its models serving, without anybody's doing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NoReturn

from client.concurrency import first_cause
from client.control import Control
from client.errors import InferenceError, LipSyncError, ServerError
from client.pulse import STALL_S
from orchestrator.server.census import Census
from orchestrator.server.embedded import EmbeddedServer, ServerLostError
from orchestrator.server.ward import LOOK_S, Ward

logger = logging.getLogger(__name__)

STARTS = 3
LASTING_S = 60.0  # a server that has run for so long had started well


class Supervisor:
    """Loads dead and hung models again, and starts a server again that ended or does not answer.

    Args:
        server: The server, which runs.
        stall_s: How long a model may finish no batch while a request waits (20 of its batches at
            least), and the server may answer nothing.
        on_event: Is told of every recovery, in a sentence.
    """

    def __init__(
        self,
        server: EmbeddedServer,
        *,
        stall_s: float = STALL_S,
        on_event: Callable[[str], None] = logger.warning,
    ) -> None:
        self._server = server
        self._stall_s = stall_s
        self._on_event = on_event
        self._starts = 0

    async def run(self) -> NoReturn:
        """Watches over the server for as long as it can be kept.

        Raises:
            ServerError: If the server is lost again and again, or does not start again.
            InferenceError: If a model does not answer when it was started again.
        """
        while True:
            began_s = _now_s()
            try:
                await self._watch()
            except (ServerError, InferenceError) as error:
                lost = error if isinstance(error, ServerLostError) else _unserved(error)
            if _now_s() - began_s > LASTING_S:
                self._starts = 0
            await self._start_again(lost)

    async def _watch(self) -> NoReturn:
        """Watches over one run of the server."""
        control = Control(self._server.url)
        census = Census(control, self._server.stubs)
        try:
            with first_cause():
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._server.wait())
                    await self._look_after(group, control, census)
        finally:
            await control.close()

    async def _look_after(
        self, group: asyncio.TaskGroup, control: Control, census: Census
    ) -> NoReturn:
        """Gives every model that the server has a watcher of its own."""
        watched: set[str] = set()
        while True:
            await self._count(census)
            for name in census.models - watched:
                group.create_task(self._ward(control, census, name).run())
            watched |= census.models
            await asyncio.sleep(LOOK_S)

    async def _count(self, census: Census) -> None:
        try:
            await census.take()
        except (ServerError, InferenceError) as error:
            if census.silence_s > self._stall_s:
                how = f"has answered nothing for {census.silence_s:.0f} s"
                raise ServerLostError(how) from error

    def _ward(self, control: Control, census: Census, name: str) -> Ward:
        return Ward(
            control,
            census,
            name,
            stall_s=self._stall_s,
            load_timeout_s=self._server.start_timeout_s,
            on_event=self._on_event,
        )

    async def _start_again(self, lost: ServerLostError) -> None:
        """Starts the server until it runs, unless it was started too often of late."""
        logger.info("%s", lost)
        began_s, how = _now_s(), lost.how
        while True:
            self._starts += 1
            if self._starts > STARTS:
                raise ServerLostError(f"{lost.how}, after {STARTS} new starts") from lost
            try:
                await self._server.restart()
            except LipSyncError as error:
                logger.warning("%s", error)
                lost = _unstarted(error)
            else:
                break
        took_s, log = _now_s() - began_s, self._server.log_file
        self._on_event(f"The server {how}; started again in {took_s:.1f} s, log: {log}.")


@asynccontextmanager
async def supervised(
    server: EmbeddedServer, *, stall_s: float, on_event: Callable[[str], None]
) -> AsyncIterator[None]:
    """Watches over a server while the block runs.

    Raises:
        ServerError: In the place of what the block was doing, if the server cannot be kept.
        InferenceError: As well.
    """
    supervisor = Supervisor(server, stall_s=stall_s, on_event=on_event)
    with first_cause():
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(supervisor.run())
            yield
            watching.cancel()


def _unserved(error: LipSyncError) -> ServerLostError:
    """The loss of a server that runs, but not with all its models."""
    return _because("no longer serves all its models", error)


def _unstarted(error: LipSyncError) -> ServerLostError:
    return _because("did not start again", error)


def _because(how: str, error: LipSyncError) -> ServerLostError:
    lost = ServerLostError(f"{how} ({str(error).rstrip('.')})")
    lost.__cause__ = error
    return lost


def _now_s() -> float:
    return asyncio.get_running_loop().time()
