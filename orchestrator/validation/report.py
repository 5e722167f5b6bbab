"""All that was found in a repository, for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.validation.finding import Finding, Level, listed
from orchestrator.validation.repository import Model

MAX_LETTERS = 400

_INDENT = " " * 9


@dataclass(frozen=True)
class Summary:
    """A model in a few words."""

    name: str
    backend: str
    versions: list[str]
    max_batch_size: int

    @classmethod
    def of(cls, model: Model) -> "Summary":
        """Sums up a model, as far as it can be read."""
        config = model.config.value
        backend = "" if config is None else "ensemble" if config.is_ensemble else config.backend
        versions = [version.name for version in model.versions]
        return cls(model.name, backend, versions, config.max_batch_size if config else 0)

    def __str__(self) -> str:
        """Writes it as `wenet: onnxruntime, versions 1, 2, batches of 8 at most`."""
        versions = f"version{'s' * (len(self.versions) > 1)} {listed(self.versions)}"
        return f"{self.name}: {self.backend}, {versions}, batches of {self.max_batch_size} at most"


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        repository: The folder.
        models: Its models, good ones and others.
        findings: All faults.
    """

    repository: Path
    models: Sequence[Summary]
    findings: Sequence[Finding]

    def is_good(self, *, strict: bool = False) -> bool:
        """Whether there is no error; with `strict`, no warning either."""
        return not any(strict or finding.level == "error" for finding in self.findings)

    def lines(self) -> list[str]:
        """Writes one line for every good model, and two for every fault."""
        lines = []
        summaries = {summary.name: summary for summary in self.models}
        faults: dict[str, list[Finding]] = {}
        for finding in self.findings:
            faults.setdefault(finding.file.partition("/")[0], []).append(finding)
        for name in sorted(summaries.keys() | faults.keys()):
            lines += [line for finding in faults.get(name, ()) for line in _lines(finding)]
            if name not in faults:
                lines.append(f"{'ok':<9}{summaries[name]}")
        return lines if not self.findings else [*lines, self._total()]

    def as_data(self) -> dict[str, Any]:
        """Gives the report as what JSON can hold."""
        return {
            "repository": str(self.repository),
            "errors": self._count("error"),
            "warnings": self._count("warning"),
            "models": [asdict(summary) for summary in self.models],
            "findings": [finding.as_data() for finding in self.findings],
        }

    def _count(self, level: Level) -> int:
        return sum(finding.level == level for finding in self.findings)

    def _total(self) -> str:
        levels: tuple[Level, ...] = ("error", "warning")
        counts = [(self._count(level), level) for level in levels]
        told = " and ".join(f"{n} {level}{'s' * (n > 1)}" for n, level in counts if n)
        return f"{told} in {self.repository}"


def _lines(finding: Finding) -> list[str]:
    return [
        f"{finding.level:<9}{_clipped(finding.place)}: {_clipped(finding.sentence)}",
        f"{_INDENT}-> {_clipped(finding.mend)} [{finding.rule}]",
    ]


def _clipped(text: str) -> str:
    """Keeps names that a damaged file holds from filling the screen."""
    return text if len(text) <= MAX_LETTERS else f"{text[:MAX_LETTERS]}…"
