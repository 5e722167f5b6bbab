"""Which processes of a server's models should run and do not."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from client.awake import AwakeClock
from client.control import Control
from client.errors import InferenceError, ServerError
from orchestrator.server.stubs import Slot, Stub, weeded


class Census:
    """What was last seen of the processes of a server's models.

    Args:
        control: The server.
        find: Looks for the processes.

    Attributes:
        models: The models of which a version is ready.
    """

    def __init__(self, control: Control, find: Callable[[], list[Stub]]) -> None:
        self._control = control
        self._find = find
        self._stubs: list[Stub] = []
        self._known: set[Slot] = set()
        self._clock = AwakeClock()
        self._heard_s = self._clock.now_s()
        self.models: set[str] = set()

    @property
    def silence_s(self) -> float:
        """How long the server has answered nothing that it was asked."""
        return self._clock.now_s() - self._heard_s

    def hear(self) -> None:
        """Notes that the server answered something."""
        self._heard_s = self._clock.now_s()

    async def take(self) -> None:
        """Looks at the processes, and at the server for which of them should be there.

        Raises:
            ServerError: If the server does not answer.
        """
        stubs = await asyncio.to_thread(self._find)
        self._stubs = weeded(stubs)
        # Afterwards: what is ready now had its processes then, unless they died.
        ready = await self._control.ready_versions()
        self.hear()
        known = self._known | self._running()
        self._known = {slot for slot in known if slot.version in ready.get(slot.model, ())}
        self.models = set(ready)

    def has_lost(self, model: str) -> bool:
        """Tells whether a process of a loaded model is gone and none has taken its place."""
        return any(slot.model == model for slot in self._known - self._running())

    def kill(self, model: str, version: str) -> None:
        """Kills the processes of a version."""
        for stub in self._stubs:
            if (stub.slot.model, stub.slot.version) == (model, version):
                stub.kill()

    async def renew(self, model: str) -> None:
        """Notes that a model was loaded anew, with as many processes as it now likes."""
        self._known = {slot for slot in self._known if slot.model != model}
        with suppress(ServerError, InferenceError):  # whoever asks next is told
            await self.take()

    def _running(self) -> set[Slot]:
        return {stub.slot for stub in self._stubs}
