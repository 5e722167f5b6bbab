"""What has to be said of a finished model, because its file does not say it."""

from pydantic import BaseModel, ConfigDict, ValidationError

from client.contract import ROLES
from client.errors import InputError
from client.manifest import CropGeometry, SpeechWindow
from client.tensors import NUMPY_TYPES, TensorSpec


class DeclaredTensor(BaseModel):
    """Type and shape of one tensor, without the batch axis."""

    model_config = ConfigDict(extra="forbid")

    datatype: str
    shape: tuple[int, ...]


class Settings(BaseModel):
    """The configuration of an adopted model.

    Attributes:
        role: The role whose contract it keeps.
        licence: Under which it may be served.
        source: Where it comes from.
        summary: One sentence on it.
        inputs: What a TorchScript model takes, in the order of its arguments.
        outputs: What it gives, in order.
    """

    model_config = ConfigDict(extra="forbid")

    role: str
    licence: str
    source: str = "a finished model"
    summary: str = "A finished model, published as it came."
    feature_kind: str | None = None
    crop: CropGeometry | None = None
    window: SpeechWindow | None = None
    paste: dict[str, object] | None = None
    parameters: dict[str, float] = {}
    inputs: dict[str, DeclaredTensor] = {}
    outputs: dict[str, DeclaredTensor] = {}
    max_batch_size: int = 8
    queue_delay_us: int = 2000


def read_settings(config: dict[str, object]) -> Settings:
    """Reads a configuration.

    Raises:
        InputError: If something is missing, unknown or of another type.
    """
    try:
        settings = Settings.model_validate(config)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        where = "give --role" if key == "role" else f"write {key} into the file of --config"
        raise InputError(f"The model's {key} cannot be used ({first['msg']}); {where}.") from error
    if settings.role not in ROLES:
        raise InputError(
            f"There is no role {settings.role!r}; --role is one of {', '.join(ROLES)}."
        )
    return settings


def specs(declared: dict[str, DeclaredTensor]) -> list[TensorSpec]:
    """Returns declared tensors.

    Raises:
        InputError: If one is of a type that no client carries.
    """
    for name, tensor in declared.items():
        if tensor.datatype not in NUMPY_TYPES:
            raise InputError(
                f"The tensor {name} is declared as {tensor.datatype}; a type is one of "
                f"{', '.join(NUMPY_TYPES)}."
            )
    return [TensorSpec(name, t.datatype, t.shape) for name, t in declared.items()]
