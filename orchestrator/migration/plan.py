"""What to do with the weights of an installation: commands that export them, and a profile."""

import shlex
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from client.errors import InputError
from export.families import family
from export.family import Family
from orchestrator.migration.find import Weights

_RENDERERS = {"dinet-v1": "heygem", "dinet": "dinet", "wav2lip": "wav2lip"}
"""Family of a renderer to its profile; the first one found is used."""

_ENCODERS = {"dinet-v1": "wenet", "wav2lip": "wav2lip-mel"}
"""Renderer to the family that hears for it."""

_MISSING_ENCODER = {
    "dinet-v1": "The speech encoder (wenetmodel.pt) was not found, and HeyGem's renderer takes no "
    "other: name a folder that holds both.",
    "dinet": "DINet takes features of DeepSpeech: adopt an ONNX file of it as the model "
    "deepspeech.",
}

_CHOSEN = ("wenet", "landmark2face")
"""Roles in which only the renderer and what hears for it are of use."""

_OPTIONAL = ("face_detection", "face_landmarks")
"""Roles that the built-in models fill well, so that the user's own only stand by."""


@dataclass(frozen=True)
class Step:
    """One export.

    Attributes:
        weights: What is exported; None for what has no weights.
        role: The role that the model fills.
        model: Name of the model that it becomes.
        command: The command with its arguments.
    """

    weights: Weights | None
    role: str
    model: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """How an installation moves here.

    Attributes:
        renderer: Family of the renderer.
        steps: The exports.
    """

    renderer: str
    steps: Sequence[Step]

    def script(self) -> str:
        """The commands as a shell script."""
        lines = ["#!/bin/sh", "# Exports the weights, each into a version of a served model."]
        lines += ["set -eu"] + [shlex.join(step.command) for step in self.steps]
        return "\n".join(lines) + "\n"

    def profile(self) -> str:
        """The profile that uses what the commands make, as YAML."""
        lines = ["# The weights of this installation: use it with --profile."]
        lines += [f"extends: {_RENDERERS[self.renderer]}", "", "models:"]
        for step in self.steps:
            entry = yaml.safe_dump({step.role: step.model}).strip()
            if step.role in _OPTIONAL:
                lines.append(f"  # {entry}  # the built-in one follows faces more steadily")
            else:
                lines.append(f"  {entry}")
        return "\n".join(lines) + "\n"

    def warnings(self) -> list[str]:
        """What jobs will miss, a sentence each."""
        has_encoder = any(step.role == "wenet" for step in self.steps)
        return [] if has_encoder else [_MISSING_ENCODER[self.renderer]]


def plan(found: Sequence[Weights], repository: Path) -> Plan:
    """Decides what is exported: one file of each family, and one renderer with its encoder.

    Args:
        found: All weights of the installation.
        repository: Model repository that the models go to.

    Raises:
        InputError: If there is no renderer that the project could use.
    """
    first = dict[str, Weights]()
    for weights in found:
        if weights.family is not None:
            first.setdefault(weights.family.name, weights)
    renderer = _renderer(first)
    return Plan(renderer, list(_steps(renderer, first, repository)))


def _renderer(families: Container[str]) -> str:
    for name in _RENDERERS:
        if name in families:
            return name
    raise InputError(
        "No weights of a renderer were found (HeyGem's landmark2face, DINet or Wav2Lip): name the "
        "folder that holds them."
    )


def _steps(renderer: str, found: Mapping[str, Weights], repository: Path) -> Iterator[Step]:
    encoder = _ENCODERS.get(renderer)
    for name, weights in found.items():
        own = family(name)
        if own.role not in _CHOSEN or name in (renderer, encoder):
            yield _step(own, weights, repository)
    if encoder is not None and encoder not in found and not family(encoder).needs_checkpoint:
        yield _step(family(encoder), None, repository)


def _step(of: Family, weights: Weights | None, repository: Path) -> Step:
    arguments = [] if weights is None else ["--checkpoint", str(weights.path)]
    arguments += ["--repository", str(repository)]
    return Step(weights, of.role, of.model_name, ("python", "-m", "export", of.name, *arguments))
