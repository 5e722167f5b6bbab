"""Settings of a job: `configs/*.yaml`, checked; where the checkout's folders are found."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from client.connection import TransportChoice
from client.endpoint import Access
from client.errors import InputError
from client.tls import Tls
from orchestrator.media.encoder_options import Preset
from orchestrator.media.encoders import Codec
from orchestrator.media.playback import WhenLonger

HOME_VARIABLE = "LIPSYNC_HOME"

WhenShorter = Literal["cut", "pad"]
Idle = Literal["still", "breathe"]
PasteChoice = Literal["auto", "landmark-hull", "ellipse", "feather", "mask"]
CodecChoice = Literal["auto", Codec]


class Models(BaseModel):
    """The model that serves each role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    face_detection: str
    face_landmarks: str
    wenet: str
    landmark2face: str
    face_restoration: str | None = None

    def by_role(self) -> dict[str, str]:
        """Role to model name, of the roles that are filled."""
        return self.model_dump(exclude_none=True)


class Faces(BaseModel):
    """How a face is accepted, and how what is made of it is laid over it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    presence_threshold: float = Field(ge=0, le=1)
    paste: PasteChoice = "auto"
    restoration: float = Field(default=1.0, gt=0, le=1)


class Encoding(BaseModel):
    """How the result is encoded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: CodecChoice
    crf: int | None = Field(ge=0, le=63)
    preset: Preset | None
    encoder: str
    compatible: bool


class Serving(BaseModel):
    """How the server is reached and waited for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_timeout_s: float = Field(gt=0)
    stall_timeout_s: float = Field(gt=0)
    retry_timeout_s: float = Field(ge=0)
    transport: TransportChoice
    frames_per_request: int = Field(ge=1)
    key_file: Path | None = None
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def access(self) -> Access:
        """What a job shows the server."""
        return Access(self.key_file, Tls(self.tls_ca, self.tls_certificate, self.tls_key))


class Settings(BaseModel):
    """A profile: everything that a job reads from `configs/<name>.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: Models
    faces: Faces
    encoding: Encoding
    serving: Serving
    when_longer: WhenLonger
    when_shorter: WhenShorter
    idle: Idle


def home() -> Path:
    """The folder that holds `configs/` and, for the embedded server, `model_repository/`.

    The environment variable LIPSYNC_HOME wins; otherwise it is the checkout that this program was
    installed from.

    Raises:
        InputError: If it is not there.
    """
    root = Path(os.environ.get(HOME_VARIABLE) or Path(__file__).resolve().parents[1])
    if not (root / "configs").is_dir():
        raise InputError(
            f"{root} holds no configs folder: set {HOME_VARIABLE} to the folder of the project."
        )
    return root


def load_settings(profile: str) -> Settings:
    """Reads a profile, and the one that it extends.

    A profile that says `extends: NAME` holds only what differs from another one.

    Args:
        profile: Name of a file in `configs/` without its ending, or a YAML file: whatever has a
            dot or a slash in it.

    Raises:
        InputError: If there is no such profile or a key in it is wrong.
    """
    files = _with_bases(profile)
    merged: Any = files[-1][1]
    for _, content in reversed(files[:-1]):
        merged = _merged(merged, content)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        path = next((p for p, content in files if _holds(content, first["loc"])), files[0][0])
        key = ".".join(str(part) for part in first["loc"]) or "the top"
        raise InputError(f"{path}, key {key}: {first['msg']}.") from error


def _with_bases(profile: str) -> list[tuple[Path, Any]]:
    """The files of a profile with their contents, its own first, each without `extends`."""
    path = _profile_file(profile, Path())
    files = [(path, _read(profile, path))]
    while isinstance(content := files[-1][1], dict) and (base := content.pop("extends", None)):
        where = path
        path = _profile_file(str(base), where.parent)
        if any(path.resolve() == known.resolve() for known, _ in files):
            raise InputError(f"{where}, key extends: {base} extends this profile in its turn.")
        files.append((path, _read(str(base), path)))
    return files


def _profile_file(profile: str, folder: Path) -> Path:
    """The file of a profile; one that is a file lies beside the one that names it."""
    is_file = "/" in profile or "." in profile
    return folder / profile if is_file else home() / "configs" / f"{profile}.yaml"


def _read(profile: str, path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Profile {profile!r} cannot be read: no file {path}.") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error


def _merged(base: Any, changes: Any) -> Any:
    """Changes win, key by key; what is no mapping is replaced as a whole."""
    if not isinstance(base, Mapping) or not isinstance(changes, Mapping):
        return changes
    return {**base, **{key: _merged(base.get(key), value) for key, value in changes.items()}}


def _holds(content: Any, key: Sequence[object]) -> bool:
    """Whether a file's content has a key."""
    for part in key:
        if not isinstance(content, Mapping) or part not in content:
            return False
        content = content[part]
    return True
