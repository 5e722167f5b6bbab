"""One model under watch: loaded again when a process of it is dead or hangs."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from client.awake import AwakeClock
from client.canary import ask
from client.control import Control, Vitals
from client.errors import (
    InferenceError,
    LipSyncError,
    ModelDiedError,
    ServerError,
    ServerUnavailableError,
)
from client.pulse import Pulse
from orchestrator.server.census import Census
from orchestrator.server.checkup import Checkup

logger = logging.getLogger(__name__)

LOOK_S = 0.5
LOADS = 3  # a model that does not load so many times in a row is beyond this cure
RELAPSE_S = 60.0
LONGEST_PAUSE_S = 8.0  # clients ask again for 30 s, as a rule


@dataclass(frozen=True)
class Illness:
    """What is wrong with a model, as the rest of a sentence, and with which version of it."""

    told: str
    version: str | None = None


DEAD = Illness("lost a process")


class Ward:
    """Watches one model.

    Args:
        control: The server.
        census: Its processes.
        name: The model's name.
        stall_s: How long it may finish no batch while a request waits; 20 of its batches at least.
        load_timeout_s: How long it may take to load.
        on_event: Is told of every recovery.
    """

    def __init__(
        self,
        control: Control,
        census: Census,
        name: str,
        *,
        stall_s: float,
        load_timeout_s: float,
        on_event: Callable[[str], None],
    ) -> None:
        self._control = control
        self._census = census
        self._name = name
        self._stall_s = stall_s
        self._load_timeout_s = load_timeout_s
        self._on_event = on_event
        self._checkups: dict[str, Checkup] = {}
        self._relapses = Relapses()

    async def run(self) -> NoReturn:
        """Watches the model, and cures it.

        Raises:
            ServerError: If the model can no more be loaded.
            InferenceError: As well.
        """
        while True:
            await asyncio.sleep(LOOK_S)
            illness = self._death() or await self._examine()
            while illness is not None:
                illness = await self._cure(illness)

    def _death(self) -> Illness | None:
        return DEAD if self._census.has_lost(self._name) else None

    async def _examine(self, *, thoroughly: bool = False) -> Illness | None:
        """Asks the versions that are due, or all of them."""
        for version, vitals in (await self._vitals()).items():
            checkup = self._checkups.setdefault(version, Checkup())
            if checkup.is_due(vitals, _now_s()) or thoroughly:
                illness = await self._ask(version)
                checkup.asked(_now_s())
                if illness is not None:
                    return illness
        return None

    async def _vitals(self) -> dict[str, Vitals]:
        """What the server counts; nothing where it does not tell or the model was unloaded."""
        try:
            vitals = await self._control.vitals(self._name)
        except (ServerError, InferenceError) as error:
            logger.debug("%s is not examined: %s", self._name, error)
            return {}
        self._census.hear()
        return vitals

    async def _ask(self, version: str) -> Illness | None:
        """Waits for one inference for as long as the model is alive."""
        canary = asyncio.create_task(ask(self._control, self._name, version))
        canary.add_done_callback(_note_heard)  # it may fail when nobody waits for it any more
        pulse, clock = Pulse(self._stall_s), AwakeClock()
        pulse.begin(clock.now_s())
        try:
            while not (await asyncio.wait({canary}, timeout=LOOK_S))[0]:
                illness = self._death() or await self._stall(version, pulse, clock)
                if illness is not None:
                    return illness
            return self._verdict(canary, version)
        finally:
            canary.cancel()

    async def _stall(self, version: str, pulse: Pulse, clock: AwakeClock) -> Illness | None:
        vitals = (await self._vitals()).get(version)
        if vitals is None:  # a server that does not tell is no proof of a hung model
            pulse.begin(clock.now_s())
            return None
        pulse.see(vitals.work.executions, vitals.work.batch_s, clock.now_s())
        if not pulse.is_hung(clock.now_s()):
            return None
        quiet_s = pulse.quiet_s(clock.now_s())
        return Illness(f"finished no batch for {quiet_s:.0f} s while a request waited", version)

    def _verdict(self, canary: asyncio.Task[None], version: str) -> Illness | None:
        try:
            canary.result()
        except ModelDiedError:
            return Illness("has a process that does not answer", version)
        except LipSyncError as error:  # it answers, if only that; loading cannot cure that
            logger.debug("%s version %s fails: %s", self._name, version, error)
        else:
            self._census.hear()
        return None

    async def _cure(self, illness: Illness) -> Illness | None:
        """Loads the model again; returns what is wrong with it then."""
        await asyncio.sleep(self._relapses.pause_s(_now_s()))
        began_s = _now_s()
        if illness.version is not None:
            self._census.kill(self._name, illness.version)
        if not await self._is_loaded_again():
            return None
        await self._census.renew(self._name)
        relapse = await self._examine(thoroughly=True)
        took_s = _now_s() - began_s
        after = f", and {relapse.told}" if relapse else ""
        self._on_event(f"{self._name} {illness.told}; loaded again in {took_s:.1f} s{after}.")
        return relapse

    async def _is_loaded_again(self) -> bool:
        try:
            await self._control.load_again(self._name, self._load_timeout_s)
        except ServerUnavailableError as error:  # starting that again is another's business
            logger.debug("%s is not loaded again: %s", self._name, error)
            return False
        except (ServerError, InferenceError) as error:
            logger.warning("%s is not loaded again: %s", self._name, error)
            self._relapses.failed(error)
            return False
        self._relapses.loaded()
        return True


class Relapses:
    """How often a model fell ill of late, and how often loading it failed."""

    def __init__(self) -> None:
        self._count = 0
        self._fell_s = float("-inf")
        self._failed = 0

    def pause_s(self, now_s: float) -> float:
        """Notes a fall; returns how long to wait before the cure, which costs memory."""
        self._count = self._count + 1 if now_s - self._fell_s < RELAPSE_S else 0
        self._fell_s = now_s
        return float(min(2 ** (self._count - 1), LONGEST_PAUSE_S)) if self._count else 0.0

    def loaded(self) -> None:
        """Notes that the model was loaded."""
        self._failed = 0

    def failed(self, error: ServerError | InferenceError) -> None:
        """Notes that it was not.

        Raises:
            ServerError: The error, if it is one too many.
            InferenceError: As well.
        """
        self._failed += 1
        if self._failed >= LOADS:
            raise error


def _note_heard(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
