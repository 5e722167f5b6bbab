"""The contract: the models that a profile names can take their places in the pipeline."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from client.contract import check_features, contract_breaches, manifest_breaches
from client.errors import ContractError
from client.manifest import Manifest
from client.tensors import TensorSpec
from orchestrator.faces.crops import crop_kind
from orchestrator.faces.paste import paste_of
from orchestrator.validation.config import CONFIG_NAME
from orchestrator.validation.finding import Finding, error
from orchestrator.validation.manifest_file import MANIFEST_NAME, PUBLISH
from orchestrator.validation.repository import Model, Repository, Version

_EXPORT = "Export the model with the tensors of the contract, or give it another name."


@dataclass(frozen=True)
class Description:
    """One version of a model, as its folder describes it."""

    name: str
    version: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    manifest: Manifest


def unfilled(repository: Repository, roles: Mapping[str, str]) -> Iterator[Finding]:
    """A job needs a model for every role."""
    configs = [model.config.value for model in repository.models]
    known = {config.message.name for config in configs if config is not None}
    known |= {folder.name for folder in repository.folders}  # what it lacks is told by other rules
    for role, name in roles.items():
        if name not in known:
            called = "" if role == name else f", as the profile calls the {role}"
            yield error(
                "role",
                name,
                f"The repository has no model {name}{called}, and no job runs without one.",
                "Add the model, or name another one in a profile and give it with --profile.",
            )


def contract(model: Model, role: str) -> Iterator[Finding]:
    """Tensors are those of the role."""
    for description in _described(model)[:1]:
        for breach in contract_breaches(description, role):
            yield error("contract", f"{model.name}/{CONFIG_NAME}", breach, _EXPORT)


def declarations(model: Model, role: str) -> Iterator[Finding]:
    """Every version says what its tensors are made of."""
    for description in _described(model):
        place = f"{model.name}/{description.version}/{MANIFEST_NAME}"
        breaches = manifest_breaches(description, role)
        for breach in breaches or _unusable(description, role):
            yield error("contract", place, breach, PUBLISH)


def _unusable(model: Description, role: str) -> list[str]:
    """What a job would say of the way in which a renderer's picture is cut and pasted."""
    crop, paste = model.manifest.crop, model.manifest.paste
    if role != "landmark2face" or crop is None:
        return []
    try:
        crop_kind(crop.kind, crop.numbers)
        if "generated" in model.outputs:
            declared = paste.model_dump() if paste else None
            paste_of(declared, gives_mask="mask" in model.outputs)
    except ContractError as failure:
        return [str(failure)]
    return []


def features(repository: Repository, roles: Mapping[str, str]) -> Iterator[Finding]:
    """The renderer wants the features that the speech encoder gives."""
    pair = (_newest(repository, role, roles.get(role, "")) for role in ("wenet", "landmark2face"))
    encoder, renderer = pair
    if encoder is None or renderer is None:
        return
    try:
        check_features(encoder, renderer)
    except ContractError as failure:
        place = f"{renderer.name}/{renderer.version}/{MANIFEST_NAME}"
        sentence = str(failure).partition("; ")[0] + "."
        yield error("features", place, sentence, "Serve two that belong together.")


def _newest(repository: Repository, role: str, name: str) -> Description | None:
    """The newest version that is served, if it keeps the contract."""
    model = repository.by_name.get(name)
    descriptions = _described(model)[-1:] if model is not None else []
    for description in descriptions:
        if not contract_breaches(description, role) and not manifest_breaches(description, role):
            return description
    return None


def _described(model: Model) -> list[Description]:
    found = (_description(model, version) for version in model.served_versions)
    return [description for description in found if description is not None]


def _description(model: Model, version: Version) -> Description | None:
    config, document = model.config.value, version.manifest.value
    if config is None or document is None or document.client is None:
        return None
    return Description(model.name, version.name, config.inputs, config.outputs, document.client)
