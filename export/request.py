"""What a user asks an export for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from client.errors import InputError
from export.family import Family
from export.model_file import Format
from export.precision import Precision
from export.structure import MAX_BYTES


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asks for.

    Attributes:
        family: The family that the checkpoint is of.
        checkpoint: Its file; None for families without weights.
        config: Configuration of the checkpoint, if it needs one.
        format: What the server gets.
        precision: In what its core computes.
        model_name: Name of the served model; the family's own if not given.
        repository: Where it is published.
        is_dry_run: Whether everything but that is done.
        max_bytes: How large the checkpoint may be.
        keep_core: Where the written core is kept.
        settings: What options say beside the configuration.
    """

    family: Family
    checkpoint: Path | None
    config: Path | None
    repository: Path
    format: Format = "onnx"
    precision: Precision = "fp32"
    model_name: str | None = None
    is_dry_run: bool = False
    max_bytes: int = MAX_BYTES
    keep_core: Path | None = None
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """The role that the model fills: the family's, or what an option says."""
        return str(self.settings.get("role", self.family.role))

    @property
    def model(self) -> str:
        """Name of the served model."""
        return self.model_name or self.family.model_name or self.role

    @property
    def recipe(self) -> str:
        """The command that does it again; files by their bare names, whose folders differ."""
        parts = ["python -m export", self.family.name]
        parts += _option("checkpoint", self.checkpoint) + _option("config", self.config)
        parts += [f"--{name} {value}" for name, value in self.settings.items()]
        if not self.settings:
            parts += [f"--format {self.format}", f"--precision {self.precision}"]
        return " ".join(parts)

    def configuration(self) -> dict[str, object]:
        """Returns what the configuration and options say.

        Raises:
            InputError: If the file cannot be read, or is no YAML with keys.
        """
        return {**(_read(self.config) if self.config is not None else {}), **self.settings}


def _read(path: Path) -> dict[str, object]:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"The configuration {path} cannot be read as YAML; correct it.") from error
    if not isinstance(config, dict):
        raise InputError(f"The configuration {path} has no keys; write lines such as `key: value`.")
    return config


def _option(name: str, path: Path | None) -> list[str]:
    return [f"--{name} {path.name}"] if path is not None else []
