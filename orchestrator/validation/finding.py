"""What is wrong with a model repository, one finding a fault."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

SHOWN_NAMES = 8

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One fault.

    Attributes:
        rule: Name of the rule that is broken.
        level: An error makes a server, a job or a swap fail or differ somewhere; with a warning
            all of it works, but worse than it could.
        file: Where it is, relative to the repository.
        sentence: What is wrong.
        mend: What to do.
        line: Line in the file, where it has one.
    """

    rule: str
    level: Level
    file: str
    sentence: str
    mend: str
    line: int | None = None

    @property
    def place(self) -> str:
        """The file, and the line behind a colon."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def as_data(self) -> dict[str, Any]:
        """Gives the finding as what JSON can hold."""
        return asdict(self)


def error(rule: str, file: str, sentence: str, mend: str, line: int | None = None) -> Finding:
    """A fault that breaks something."""
    return Finding(rule, "error", file, sentence, mend, line)


def warning(rule: str, file: str, sentence: str, mend: str, line: int | None = None) -> Finding:
    """A fault that makes something worse."""
    return Finding(rule, "warning", file, sentence, mend, line)


def listed(names: Iterable[object]) -> str:
    """Names in a sentence; of many only the first ones."""
    texts = [str(name) for name in names]
    if len(texts) > SHOWN_NAMES:
        texts = [*texts[:SHOWN_NAMES], f"{len(texts) - SHOWN_NAMES} more"]
    return ", ".join(texts) or "none"
