"""What belongs to one version of a model, read from the served configuration."""

from pydantic import BaseModel, ConfigDict, ValidationError

from client.errors import ContractError


class SpeechWindow(BaseModel):
    """Fixed speech window in samples: context, core, context."""

    model_config = ConfigDict(frozen=True)

    sample_rate: int
    left_context: int
    core: int
    right_context: int

    @property
    def length(self) -> int:
        """Samples in a whole window."""
        return self.left_context + self.core + self.right_context


class CropGeometry(BaseModel):
    """How the crop that a model takes is laid over a face."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str

    @property
    def numbers(self) -> dict[str, object]:
        """What else is said of it."""
        return dict(self.model_extra or {})


class PasteMode(BaseModel):
    """How the picture that a renderer gives is laid into the frame."""

    model_config = ConfigDict(frozen=True, extra="allow")

    mode: str


class Manifest(BaseModel):
    """The part of `manifest.json` that a client needs; unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    feature_kind: str | None = None
    crop: CropGeometry | None = None
    window: SpeechWindow | None = None
    paste: PasteMode | None = None
    precision: str = "fp32"
    source: str = ""
    licence: str = ""


def parse_manifest(text: str, model: str, version: str) -> Manifest:
    """Parses the manifest that the server's configuration mirrors.

    Raises:
        ContractError: If the text is no valid manifest.
    """
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the text"
        raise ContractError(
            f"The manifest of {model} version {version} is not usable at {where}: {first['msg']}; "
            "publish the version again."
        ) from error
