"""Reading the `--config` of a family that has a few keys."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from client.errors import InputError


class FamilySettings(BaseModel):
    """What the weights do not say; every key has a default."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Settings = TypeVar("Settings", bound=FamilySettings)


def read_settings(kind: type[Settings], config: Mapping[str, object]) -> Settings:
    """Reads a configuration.

    Raises:
        InputError: If a key is unknown or a value not possible.
    """
    try:
        return kind.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{key} in the file of --config cannot be used ({first['msg']}); the keys are "
            f"{', '.join(kind.model_fields)}."
        ) from error
