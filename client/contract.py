"""The tensor contract of every role, and the check of served models against it.

Extents are numbers where the contract fixes them and letters where a model chooses them; the same
letter is the same number in all tensors of one model. `model_repository/README.md` says what the
tensors mean.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from client.errors import ContractError
from client.manifest import Manifest
from client.tensors import TensorSpec

Shape = tuple[int | str, ...]


class Described(Protocol):
    """A version of a model as a server, or a folder of a repository, describes it."""

    @property
    def name(self) -> str:
        """Model name."""

    @property
    def version(self) -> str:
        """Version."""

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """Inputs by name."""

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """Outputs by name."""

    @property
    def manifest(self) -> Manifest:
        """What belongs to the version."""


@dataclass(frozen=True)
class Tensor:
    """Type and symbolic shape of one tensor of a role."""

    datatype: str
    shape: Shape
    required: bool = True


@dataclass(frozen=True)
class Role:
    """What a model must take and give to serve in one place of the pipeline.

    Attributes:
        inputs: Inputs by name.
        outputs: Outputs by name.
        alternatives: Outputs of which it must give one group.
        crops: The kinds of crop geometry that the pipeline lays out for it, if it takes a crop.
        pastes: The ways in which a picture that it gives can be laid into the frame.
        window: The input that is a window of speech, whose parts the manifest must declare.
        has_features: Whether it gives or takes speech features, whose kind the manifest must say.
    """

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    alternatives: tuple[frozenset[str], ...] = ()
    crops: tuple[str, ...] = ()
    pastes: tuple[str, ...] = ()
    window: str | None = None
    has_features: bool = False


ROLES: dict[str, Role] = {
    "face_detection": Role(
        inputs={"image": Tensor("UINT8", ("H", "W", 3))},
        outputs={"detections": Tensor("FP32", ("K", 15))},
    ),
    "face_landmarks": Role(
        inputs={"face": Tensor("UINT8", ("S", "S", 3))},
        outputs={
            "landmarks": Tensor("FP32", (68, 2)),
            "presence": Tensor("FP32", (1,)),
            "mesh": Tensor("FP32", ("N", 2)),
        },
        crops=("square-1.5",),
    ),
    "wenet": Role(
        inputs={"speech": Tensor("FP32", ("L",))},
        outputs={"features": Tensor("FP32", ("T", "D"))},
        window="speech",
        has_features=True,
    ),
    "landmark2face": Role(
        inputs={
            "face": Tensor("UINT8", ("S", "S", 3)),
            "features": Tensor("FP32", ("D", "W")),
            "reference": Tensor("UINT8", ("R", "S", "S", 3), required=False),
            "mesh": Tensor("FP32", ("N", 2), required=False),
            "reference_mesh": Tensor("FP32", ("R", "N", 2), required=False),
        },
        outputs={
            "flow": Tensor("FP32", ("L", "G", "G", 2), required=False),
            "layers": Tensor("UINT8", ("L", "S", "S", 1), required=False),
            "source": Tensor("INT32", ("L",), required=False),
            "interior": Tensor("UINT8", ("S", "S", 4), required=False),
            "generated": Tensor("UINT8", ("S", "S", 3), required=False),
            "mask": Tensor("UINT8", ("S", "S", 1), required=False),
        },
        alternatives=(frozenset({"flow", "layers"}), frozenset({"generated"})),
        crops=("eyes-mouth-v1", "heygem-v1", "dinet-mrzzm-v1", "wav2lip-v1"),
        pastes=("landmark-hull", "ellipse", "feather", "mask"),
        has_features=True,
    ),
    "face_restoration": Role(
        inputs={"face": Tensor("UINT8", ("S", "S", 3))},
        outputs={"restored": Tensor("UINT8", ("S", "S", 3))},
        crops=("restoration-512",),
    ),
}


def check_contract(model: Described, role_name: str) -> dict[str, int]:
    """Checks one model against its role.

    Returns:
        The number that the model chose for every letter of the contract.

    Raises:
        ContractError: If a tensor is missing, unknown, or of another type or shape.
    """
    extents: dict[str, int] = {}
    for breach in _breaches(model, role_name, extents):
        raise ContractError(breach)
    return extents


def contract_breaches(model: Described, role_name: str) -> list[str]:
    """Returns everything in which a model's tensors break the contract of its role, as sentences.

    An extent that breaks it is not held against the tensors that follow.
    """
    return list(_breaches(model, role_name, {}))


def manifest_breaches(model: Described, role_name: str) -> list[str]:
    """Returns everything that a role needs to know of a model and its manifest does not say."""
    role, manifest = ROLES[role_name], model.manifest
    subject = f"{model.name} version {model.version}"
    breaches = []
    kind = manifest.crop.kind if manifest.crop else None
    if role.crops and kind not in role.crops:
        breaches.append(
            f"{subject} wants the crop geometry {kind or 'of no kind'}; this program lays out "
            f"{_one_of(role.crops)}."
        )
    mode = manifest.paste.mode if manifest.paste else None
    if role.pastes and mode is not None and mode not in role.pastes:
        breaches.append(
            f"{subject} wants its picture pasted by {mode}; this program knows "
            f"{_one_of(role.pastes)}."
        )
    if role.window is not None and not _has_window(model, role.window):
        breaches.append(
            f"{subject} does not declare the window that its input {role.window} is made of."
        )
    if role.has_features and manifest.feature_kind is None:
        breaches.append(f"{subject} does not say of which kind its features are.")
    return breaches


def check_manifest(model: Described, role_name: str) -> None:
    """Checks that a manifest says what its role needs to know.

    Raises:
        ContractError: With the first thing that it does not say.
    """
    for breach in manifest_breaches(model, role_name):
        raise ContractError(breach)


def check_features(wenet: Described, landmark2face: Described) -> None:
    """Checks that the renderer wants the features that the speech encoder gives.

    Raises:
        ContractError: If kind or width differ.
    """
    given, wanted = wenet.manifest.feature_kind, landmark2face.manifest.feature_kind
    width, taken = wenet.outputs["features"].shape[1], landmark2face.inputs["features"].shape[0]
    if given != wanted or width != taken:
        raise ContractError(
            f"{landmark2face.name} version {landmark2face.version} wants {wanted} features of "
            f"width {taken}, but {wenet.name} version {wenet.version} gives {given} of width "
            f"{width}; serve two that belong together."
        )


def _has_window(model: Described, name: str) -> bool:
    window, spec = model.manifest.window, model.inputs.get(name)
    return window is not None and spec is not None and spec.shape == (window.length,)


def _breaches(model: Described, role_name: str, extents: dict[str, int]) -> Iterator[str]:
    role = ROLES[role_name]
    for name in model.inputs:
        if name not in role.inputs:
            yield (
                f"{model.name} version {model.version} asks for input {name!r}, which the role "
                f"{role_name} does not give; it may take {', '.join(role.inputs)}."
            )
    yield from _bind(model, model.inputs, role.inputs, extents)
    yield from _bind(model, model.outputs, role.outputs, extents)
    yield from _alternatives(model, role)


def _bind(
    model: Described,
    specs: Mapping[str, TensorSpec],
    wanted: Mapping[str, Tensor],
    extents: dict[str, int],
) -> Iterator[str]:
    for name, tensor in wanted.items():
        spec = specs.get(name)
        if spec is not None:
            yield from _bind_tensor(model, spec, tensor, extents)
        elif tensor.required:
            yield (
                f"{model.name} version {model.version} has no tensor {name!r}, "
                "which its role needs."
            )


def _bind_tensor(
    model: Described, spec: TensorSpec, tensor: Tensor, extents: dict[str, int]
) -> Iterator[str]:
    pairs = list(zip(tensor.shape, spec.shape, strict=False))
    bound = dict(extents)
    if (
        spec.datatype == tensor.datatype
        and len(spec.shape) == len(tensor.shape)
        and all(_extent(bound, symbol, size) == size for symbol, size in pairs)
    ):
        extents.update(bound)
        return
    shape = [extents.get(s, s) if isinstance(s, str) else s for s in tensor.shape]
    yield (
        f"{model.name} version {model.version} declares {spec}; the contract wants "
        f"{tensor.datatype} [{', '.join(map(str, shape))}]."
    )


def _extent(extents: dict[str, int], symbol: int | str, size: int) -> int:
    return symbol if isinstance(symbol, int) else extents.setdefault(symbol, size)


def _alternatives(model: Described, role: Role) -> Iterator[str]:
    if role.alternatives and not any(group <= model.outputs.keys() for group in role.alternatives):
        yield (
            f"{model.name} version {model.version} gives {_listed(model.outputs)}; it must give "
            f"{' or '.join(_listed(sorted(group)) for group in role.alternatives)}."
        )


def _one_of(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)
