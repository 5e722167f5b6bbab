"""Whether a built model keeps the contract of its role, asked before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from client.contract import ROLES, contract_breaches, manifest_breaches
from client.errors import InputError
from client.manifest import Manifest
from client.tensors import TensorSpec
from export.config_text import ServedModel
from export.family import Build


def _check_extents(specs: Sequence[TensorSpec]) -> None:
    for spec in specs:
        if any(extent < 1 for extent in spec.shape) or not spec.shape:
            raise InputError(
                f"The model leaves extents of {spec} open; export it with the batch as its only "
                "open axis."
            )


@dataclass(frozen=True)
class _Described:
    name: str
    version: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    manifest: Manifest


def check_contract(model: ServedModel, role: str, build: Build) -> None:
    """Checks that a model can fill a role.

    Args:
        model: The model.
        role: The role; one without a contract takes any tensors.
        build: What its manifest will say.

    Raises:
        InputError: If a tensor is missing, unknown, or of another type or shape, an extent is
            open, or crop, window or kind of features are not said.
    """
    _check_extents((*model.inputs, *model.outputs))
    if role not in ROLES:
        return
    described = _Described(
        model.name,
        "(new)",
        {spec.name: spec for spec in model.inputs},
        {spec.name: spec for spec in model.outputs},
        _manifest(build),
    )
    for breach in (*contract_breaches(described, role), *manifest_breaches(described, role)):
        raise InputError(breach)


def _manifest(build: Build) -> Manifest:
    """The manifest, as far as clients read it."""
    return Manifest.model_validate(
        {
            "feature_kind": build.feature_kind,
            "crop": build.crop,
            "window": build.window,
            "paste": build.paste,
        }
    )
