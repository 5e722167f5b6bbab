"""The tensor contract of every role, and the check of served models against it.

Extents are numbers where the contract fixes them and letters where a model chooses them; the same
letter is the same number in all tensors of one model. `model_repository/README.md` says what the
tensors mean.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from client.errors import ContractError
from client.model import ServedModel
from client.tensors import TensorSpec

Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class Tensor:
    """Type and symbolic shape of one tensor of a role."""

    datatype: str
    shape: Shape
    required: bool = True


@dataclass(frozen=True)
class Role:
    """What a model must take and give to serve in one place of the pipeline."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    alternatives: tuple[frozenset[str], ...] = ()


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
    ),
    "wenet": Role(
        inputs={"speech": Tensor("FP32", ("L",))},
        outputs={"features": Tensor("FP32", ("T", "D"))},
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
    ),
}


def check_contract(model: ServedModel, role_name: str) -> dict[str, int]:
    """Checks one served model against its role.

    Returns:
        The number that the model chose for every letter of the contract.

    Raises:
        ContractError: If a tensor is missing, unknown, or of another type or shape.
    """
    role = ROLES[role_name]
    unknown = [name for name in model.inputs if name not in role.inputs]
    if unknown:
        raise ContractError(
            f"{model.name} version {model.version} asks for input {unknown[0]!r}, which the role "
            f"{role_name} does not give; it may take {', '.join(role.inputs)}."
        )
    extents: dict[str, int] = {}
    _bind(model, model.inputs, role.inputs, extents)
    _bind(model, model.outputs, role.outputs, extents)
    _check_alternatives(model, role)
    return extents


def check_features(wenet: ServedModel, landmark2face: ServedModel) -> None:
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


def _bind(
    model: ServedModel,
    specs: Mapping[str, TensorSpec],
    wanted: Mapping[str, Tensor],
    extents: dict[str, int],
) -> None:
    for name, tensor in wanted.items():
        spec = specs.get(name)
        if spec is not None:
            _bind_tensor(model, spec, tensor, extents)
        elif tensor.required:
            raise ContractError(
                f"{model.name} version {model.version} has no tensor {name!r}, "
                "which its role needs."
            )


def _bind_tensor(
    model: ServedModel, spec: TensorSpec, tensor: Tensor, extents: dict[str, int]
) -> None:
    pairs = list(zip(tensor.shape, spec.shape, strict=False))
    if (
        spec.datatype != tensor.datatype
        or len(spec.shape) != len(tensor.shape)
        or any(_extent(extents, symbol, size) != size for symbol, size in pairs)
    ):
        shape = [extents.get(s, s) if isinstance(s, str) else s for s in tensor.shape]
        raise ContractError(
            f"{model.name} version {model.version} declares {spec}; the contract wants "
            f"{tensor.datatype} [{', '.join(map(str, shape))}]."
        )


def _extent(extents: dict[str, int], symbol: int | str, size: int) -> int:
    return symbol if isinstance(symbol, int) else extents.setdefault(symbol, size)


def _check_alternatives(model: ServedModel, role: Role) -> None:
    if role.alternatives and not any(group <= model.outputs.keys() for group in role.alternatives):
        raise ContractError(
            f"{model.name} version {model.version} gives {_listed(model.outputs)}; it must give "
            f"{' or '.join(_listed(sorted(group)) for group in role.alternatives)}."
        )


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)
