"""All rules, in the order in which they are asked.

A rule is a function that yields findings. Where one fault implies others, only the first is told:
a step is left out where one of the rules that it names has found something before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from client.endpoint import Access
from client.failures import one_line
from orchestrator.validation import (
    golden,
    layout,
    manifests,
    network,
    parameters,
    portability,
    roles,
    serving,
    warmup,
)
from orchestrator.validation.against import compare
from orchestrator.validation.config import Config
from orchestrator.validation.files import is_open
from orchestrator.validation.finding import Finding, error
from orchestrator.validation.report import Report, Summary
from orchestrator.validation.repository import Model, Repository, Version

S = TypeVar("S")


@dataclass(frozen=True)
class Step(Generic[S]):
    """A rule, and the rules whose findings imply its own."""

    rule: Callable[[S], Iterable[Finding]]
    unless: tuple[str, ...] = ()


FOLDER: Sequence[Step[Model]] = (
    Step(layout.size),
    Step(layout.model_name),
    Step(layout.version_names),
    Step(layout.symbolic_links),
    Step(layout.leftovers),
    Step(layout.backend_libraries),
    Step(layout.stray_code),
    Step(layout.documents),
    Step(lambda model: model.config.faults),
)
CONFIG: Sequence[Step[Config]] = (
    Step(portability.name),
    Step(portability.backend),
    Step(portability.platform),
    Step(portability.runtime),
    Step(portability.queue_policy),
    Step(portability.priorities),
    Step(portability.instance_count),
    Step(portability.instance_kind),
    Step(portability.accelerators),
    Step(portability.limits),
    Step(portability.file_names),
    Step(portability.agents),
    Step(serving.batch_axis),
    Step(serving.dynamic_batching),
    Step(serving.tensors),
    Step(parameters.values),
    Step(parameters.unknown_keys),
)
VERSION: Sequence[Step[Version]] = (
    Step(network.file_is_there, ("file-name",)),
    Step(network.file_is_readable, ("file-name",)),
    Step(network.onnx_versions),
    Step(network.onnx_operators),
    Step(network.onnx_external_data),
    Step(network.onnx_is_valid, ("onnx-ir", "onnx-weights")),
    Step(network.onnx_batch_axis),
    Step(network.onnx_tensors, ("tensors", "onnx-batch")),
    Step(network.torchscript_names),
    Step(manifests.readable),
    Step(manifests.identity),
    Step(manifests.licence),
    Step(manifests.entries),
    Step(manifests.files),
    Step(manifests.unlisted),
    Step(manifests.onnx_facts),
    Step(manifests.mirror, ("manifest-identity",)),
    Step(golden.golden_file, ("tensors", "onnx-tensors")),
)
LAST: Sequence[Step[Config]] = (
    Step(warmup.warmup_batches),
    Step(warmup.warmup_samples, ("tensors", "batching", "onnx-tensors")),
)
_UNSURE_TENSORS = ("tensors", "onnx-tensors")


async def examine(
    path: Path,
    role_models: Mapping[str, str],
    *,
    against: str | None = None,
    access: Access | None = None,
) -> Report:
    """Looks at every model of a repository; starts and changes nothing.

    Args:
        path: The repository.
        role_models: Role to the name of the model that has to fill it.
        against: gRPC endpoint of a server with which the repository is compared.
        access: What is shown to that server.

    Raises:
        InputError: If the folder is no repository, or the endpoint none.
        ServerError: If the server does not answer.
    """
    repository = Repository.open(path)
    served = [] if against is None else await compare(repository, against, access or Access())
    found = [*look(repository, role_models), *served]
    return Report(repository.path, [Summary.of(model) for model in repository.models], found)


def look(repository: Repository, role_models: Mapping[str, str]) -> list[Finding]:
    """Asks every rule of every model."""
    found = _ask([Step(layout.folders_without_config)], repository, set(), "")
    found += roles.unfilled(repository, role_models)
    by_model = {name: role for role, name in role_models.items()}
    for model in repository.models:
        found += _model(model, by_model.get(model.name), set(repository.by_name))
    return [*found, *roles.features(repository, role_models)]


def _model(model: Model, role: str | None, names: set[str]) -> list[Finding]:
    closed = [version.path for version in model.versions if not is_open(version.path)]
    if closed:
        return [layout.closed_folder(model.place(path)) for path in closed]
    told: set[str] = set()
    found = _ask(FOLDER, model, told, model.name)
    config = model.config.value
    if config is not None:
        found += _ask([*CONFIG, *_beside(model, names)], config, told, config.place)
    for version in model.versions:
        steps = [] if config is not None and config.is_ensemble else VERSION
        found += _ask(steps or _ENSEMBLE, version, set(told), version.place())
    told |= {finding.rule for finding in found}
    if config is not None:
        stale = Step[Config](lambda c: manifests.stale_mirrors(model, c), ("manifest-identity",))
        found += _ask([*LAST, stale], config, told, config.place)
    if role is not None:
        found += _ask(_contract(role), model, told, model.name)
    return found


def _beside(model: Model, names: set[str]) -> list[Step[Config]]:
    """Rules that ask for more than the configuration."""
    return [
        Step(lambda config: serving.version_policy(model, config)),
        Step(lambda config: serving.no_versions(model, config)),
        Step(lambda config: serving.ensemble_steps(model, config, names)),
    ]


def _contract(role: str) -> list[Step[Model]]:
    return [
        Step(lambda model: roles.contract(model, role), _UNSURE_TENSORS),
        Step(lambda model: roles.declarations(model, role), (*_UNSURE_TENSORS, "contract")),
    ]


def _ask(steps: Iterable[Step[S]], subject: S, told: set[str], place: str) -> list[Finding]:
    found: list[Finding] = []
    for step in steps:
        if not told.isdisjoint(step.unless):
            continue
        try:
            new = list(step.rule(subject))
        except Exception as failure:  # whatever a file holds, the other rules are asked
            new = [_unlooked(place, failure)]
        found += new
        told |= {finding.rule for finding in new}
    return list(dict.fromkeys(found))


def _unlooked(place: str, failure: Exception) -> Finding:
    if isinstance(failure, OSError):
        sentence = f"It cannot be looked at ({failure.strerror}: {failure.filename})."
        return error("unreadable", place or ".", sentence, "Let everybody read it.")
    sentence = f"It cannot be looked at ({type(failure).__name__}: {one_line(str(failure))})."
    return error("unreadable", place or ".", sentence, "Put files there that are whole.")


_ENSEMBLE: Sequence[Step[Version]] = tuple(
    step for step in VERSION if step.rule.__module__ == manifests.__name__
)
