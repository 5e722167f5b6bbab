"""A model repository as it lies on disk; every file of it is read once, when a rule asks for it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from client.errors import InputError
from orchestrator.validation.config import CONFIG_NAME, Config, read_config
from orchestrator.validation.files import Read, digest_of, entries_of, is_folder, is_open
from orchestrator.validation.manifest_file import MANIFEST_NAME, Document, read_manifest
from orchestrator.validation.onnx_file import OnnxFile, read_onnx
from orchestrator.validation.torchscript_file import TorchScriptFile, read_torchscript

MAX_VERSION = 2**63 - 1

_VERSION = re.compile(r"0|[1-9][0-9]{0,18}")

Network = OnnxFile | TorchScriptFile


@dataclass(frozen=True)
class Version:
    """One version of a model."""

    model: "Model"
    path: Path

    @property
    def name(self) -> str:
        """Its number, as the folder is called."""
        return self.path.name

    def place(self, name: str = "") -> str:
        """Returns where a file of it is, relative to the repository."""
        return f"{self.model.name}/{self.name}/{name}".rstrip("/")

    @cached_property
    def manifest(self) -> Read[Document]:
        """Its manifest."""
        return read_manifest(self.path / MANIFEST_NAME, self.place(MANIFEST_NAME))

    @property
    def file_name(self) -> str:
        """Name of the file that the server loads; empty where the configuration does not say."""
        config = self.model.config.value
        return config.file_name if config is not None else ""

    @cached_property
    def network(self) -> Read[Network]:
        """What the server loads; nothing where its kind is not known, or there is no such file."""
        config = self.model.config.value
        read = _READERS.get(config.backend) if config is not None else None
        path = self.path / self.file_name
        if read is None or not self.file_name or not path.exists():
            return Read(None)
        return read(path, self.place(self.file_name))

    @cached_property
    def _digests(self) -> dict[str, str | None]:
        return {}

    def digest(self, name: str) -> str | None:
        """Returns the sha256 of a file; None if it is too large.

        Raises:
            UnreadableError: If it cannot be read.
        """
        if name not in self._digests:
            self._digests[name] = digest_of(self.path / name)
        return self._digests[name]

    def is_as_promised(self, name: str) -> bool:
        """Whether a file is the one whose sha256 the manifest states."""
        document = self.manifest.value
        return document is not None and document.hashes.get(name) == self.digest(name)


@dataclass(frozen=True)
class Model:
    """One model."""

    repository: Path
    folder: Path

    @property
    def name(self) -> str:
        """Its name, as the folder is called."""
        return self.folder.name

    def place(self, path: Path) -> str:
        """Returns where a file of it is, relative to the repository."""
        return path.relative_to(self.repository).as_posix()

    @cached_property
    def config(self) -> Read[Config]:
        """Its configuration."""
        return read_config(self.folder, f"{self.name}/{CONFIG_NAME}")

    @cached_property
    def versions(self) -> list[Version]:
        """Its versions, oldest first: the folders that Triton takes for one."""
        folders = [p for p in entries_of(self.folder) if is_version(p.name) and is_folder(p)]
        return [Version(self, path) for path in sorted(folders, key=lambda path: int(path.name))]

    @property
    def served_versions(self) -> list[Version]:
        """The versions that its configuration has served."""
        config = self.config.value
        wanted = config.policy_versions if config is not None else None
        return [v for v in self.versions if wanted is None or int(v.name) in wanted]


@dataclass(frozen=True)
class Repository:
    """A folder of models."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> "Repository":
        """Opens a folder.

        Raises:
            InputError: If it holds no model.
        """
        if not is_folder(path):
            raise InputError(f"There is no model repository at {path}: correct the path.")
        if (path / CONFIG_NAME).exists():
            raise InputError(
                f"{path} is one model, not a repository: name the folder that it is in, "
                f"{path.resolve().parent}."
            )
        repository = cls(path)
        if not repository.models:
            raise InputError(
                f"{path} is no model repository (no <model>/{CONFIG_NAME} in it): correct the path."
            )
        return repository

    @cached_property
    def models(self) -> list[Model]:
        """Its models: the folders with a configuration."""
        return [Model(self.path, p) for p in self.folders if has_config(p)]

    @cached_property
    def folders(self) -> list[Path]:
        """Its folders; Triton takes every one of them for a model."""
        return [path for path in entries_of(self.path) if is_folder(path)]

    @property
    def by_name(self) -> dict[str, Model]:
        """Its models by name."""
        return {model.name: model for model in self.models}


def has_config(folder: Path) -> bool:
    """Whether a folder has a configuration, be it readable or not."""
    config = folder / CONFIG_NAME
    return is_open(folder) and (config.exists() or config.is_symlink())


def is_version(name: str) -> bool:
    """Whether Triton and this project read a folder's name as a version."""
    return _VERSION.fullmatch(name) is not None and int(name) <= MAX_VERSION


_READERS: dict[str, Callable[[Path, str], Read[Network]]] = {
    "onnxruntime": read_onnx,
    "pytorch": read_torchscript,
}
