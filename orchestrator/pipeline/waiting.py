"""What a job waits for, at any moment, in one sentence.

A job tells `JobState` where it is; `JobState.now` says what it waits for: the decoder, a model, the
painting, the encoder or the server.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from client.vigil import Vigil, Wait
from orchestrator.pipeline.progress import Stages
from orchestrator.pipeline.state import StageState

SERVER = "the server"
ENDING = "what is left to close"
LAST = "speak"  # the stage that ends with the video in place

LABELS = {
    "server": "start the server",
    "listen": "listen to the speech",
    "prepare": "find the face",
    "speak": "speak",
}


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What a job waits for at one moment.

    Attributes:
        stage: Its stage; None before the first, between two and after the last.
        done: Steps of the stage that are done.
        total: Steps that are expected; None when unknown.
        waits_for: Who is waited for; None where the stage is all there is to tell.
        in_flight: How many frames, or windows of the recording, are under way.
        model: How the requests wait, where a model is waited for.
    """

    stage: str | None = None
    done: int = 0
    total: int | None = None
    waits_for: str | None = None
    in_flight: int = 0
    model: Wait | None = None

    def sentence(self) -> str:
        """Tells it in one line, such as `speak 96/201: waits for the encoder`."""
        return ": ".join(part for part in (self.place, self.reason()) if part)

    @property
    def place(self) -> str:
        """Tells the stage and how far it is, such as `speak 96/201`."""
        if self.stage is None:
            return ""
        label = LABELS.get(self.stage, self.stage)
        if self.total is None:
            return f"{label} {self.done}" if self.done else label
        return f"{label} {self.done}/{self.total}"

    def reason(self) -> str:
        """Tells without the stage; empty where that is all there is to tell."""
        if self.waits_for is None:
            return ""
        return f"waits for {self.waits_for}{self._details()}"

    def data(self) -> dict[str, object]:
        """Tells it as JSON does; what is not known is null."""
        model = self.model
        return {
            "sentence": self.sentence(),
            "stage": self.stage,
            "done": self.done,
            "total": self.total,
            "waits_for": self.waits_for,
            "in_flight": self.in_flight,
            "requests": model.requests if model else 0,
            "last_answer_s": round(model.quiet_s, 3) if model and model.heard else None,
            "batch_s": round(model.batch_s, 6) if model and model.batch_s else None,
            "queue_s": round(model.queue_s, 6) if model and model.queue_s is not None else None,
        }

    def _details(self) -> str:
        if self.model is None:
            return ""
        ago = f"{self.model.quiet_s:.1f} s"
        parts = [
            f"{self.in_flight} in flight",
            f"last answer {ago} ago" if self.model.heard else f"no answer for {ago}",
        ]
        if self.model.queue_s is not None:
            parts.append(f"{_duration(self.model.queue_s)} in the server's queue")
        return f" ({', '.join(parts)})"


class JobState:
    """Where a job is and what it waits for; its advance is passed on to whoever shows it.

    Attributes:
        is_written: Whether the video is in place.
    """

    def __init__(self, shown: Stages) -> None:
        self._shown = shown
        self._stage: str | None = None
        self._done = 0
        self._total: int | None = None
        self._state: StageState | None = None
        self._models: Mapping[str, Vigil] = {}
        self.is_written = False

    @property
    def place(self) -> str:
        """Where the job is, such as `speak 96/201`."""
        return Waiting(stage=self._stage, done=self._done, total=self._total).place

    def now(self) -> Waiting:
        """Tells what the job waits for; to be called in its event loop."""
        if self._stage is None:
            return Waiting(waits_for=ENDING if self.is_written else SERVER)
        who, wait = self._awaited()
        return Waiting(
            stage=self._stage,
            done=self._done,
            total=self._total,
            waits_for=who,
            in_flight=self._state.in_flight if self._state else 0,
            model=wait,
        )

    def start(self, stage: str, total: int | None) -> None:
        """A stage begins."""
        self._stage, self._done, self._total, self._state = stage, 0, total, None
        self._shown.start(stage, total)

    def advance(self, stage: str) -> None:
        """One step of a stage is done."""
        self._done += 1
        self._shown.advance(stage)

    def finish(self, stage: str) -> None:
        """A stage is done."""
        self.is_written = stage == LAST
        self._stage, self._state = None, None
        self._shown.finish(stage)

    def note(self, sentence: str) -> None:
        """Passes a sentence on."""
        self._shown.note(sentence)

    def follow(self, state: StageState) -> None:
        """From now on this tells what the stage waits for."""
        self._state = state

    def ask(self, models: Mapping[str, Vigil]) -> None:
        """From now on these models can be waited for."""
        self._models = models

    def _awaited(self) -> tuple[str | None, Wait | None]:
        if self._state is None:
            return None, None
        if self._state.waits_for is not None:
            return self._state.waits_for, None
        return self._slowest() or (SERVER, None)  # it is away, and will be asked again

    def _slowest(self) -> tuple[str, Wait] | None:
        """Of the models that were asked, the one that has been quiet for longest."""
        waits = {name: vigil.wait() for name, vigil in self._models.items()}
        asked = [item for item in waits.items() if item[1].requests]
        return max(asked, key=lambda item: item[1].quiet_s, default=None)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
