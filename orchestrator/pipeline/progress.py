"""What a job tells about itself while it runs."""

from typing import Protocol


class Progress(Protocol):
    """Receives the advance of a job's stages."""

    def start(self, stage: str, total: int | None) -> None:
        """A stage begins; `total` steps are expected, None when unknown."""

    def advance(self, stage: str) -> None:
        """One step of a stage is done."""

    def finish(self, stage: str) -> None:
        """A stage is done."""

    def note(self, sentence: str) -> None:
        """Something that the user should know: what was done otherwise, or what looks wrong."""


class Silent:
    """Tells nobody."""

    def start(self, stage: str, total: int | None) -> None:
        """Ignores the start."""

    def advance(self, stage: str) -> None:
        """Ignores the step."""

    def finish(self, stage: str) -> None:
        """Ignores the end."""

    def note(self, sentence: str) -> None:
        """Ignores the sentence; the report holds it."""
