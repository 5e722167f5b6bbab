"""What a job tells about itself while it runs."""

from collections.abc import Mapping
from typing import Protocol

from client.vigil import Vigil
from orchestrator.pipeline.state import StageState


class Stages(Protocol):
    """Receives the advance of a job's stages."""

    def start(self, stage: str, total: int | None) -> None:
        """A stage begins; `total` steps are expected, None when unknown."""

    def advance(self, stage: str) -> None:
        """One step of a stage is done."""

    def finish(self, stage: str) -> None:
        """A stage is done."""

    def note(self, sentence: str) -> None:
        """Something that the user should know: what was done otherwise, or what looks wrong."""


class Progress(Stages, Protocol):
    """Receives also what tells at any moment whom a job waits for."""

    @property
    def place(self) -> str:
        """Where the job is, such as `speak 96/201`."""

    def follow(self, state: StageState) -> None:
        """Items of the stage begin to flow; `state` tells what they wait for."""

    def ask(self, models: Mapping[str, Vigil]) -> None:
        """The job asks these models, by what a user calls them."""


class Silent:
    """Tells nobody.

    Attributes:
        place: The stage that began last.
    """

    place = ""

    def start(self, stage: str, total: int | None) -> None:
        """Remembers the stage."""
        self.place = stage

    def advance(self, stage: str) -> None:
        """Ignores the step."""

    def finish(self, stage: str) -> None:
        """Ignores the end."""

    def note(self, sentence: str) -> None:
        """Ignores the sentence; the report holds it."""

    def follow(self, state: StageState) -> None:
        """Ignores the state."""

    def ask(self, models: Mapping[str, Vigil]) -> None:
        """Ignores the models."""
