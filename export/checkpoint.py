"""A checkpoint's weights, loaded without running anything that the file holds."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from client.errors import InputError
from export import archive
from export.inert import ScriptObject, StoredTensor
from export.onnx_file import load_onnx
from export.structure import MAX_BYTES, Structure, state_name

if TYPE_CHECKING:
    import onnx
    import torch


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights.

    Attributes:
        path: The file.
        structure: What it holds.
        max_bytes: How large it may be.
    """

    path: Path
    structure: Structure
    max_bytes: int = MAX_BYTES

    @classmethod
    def open(cls, path: Path, max_bytes: int = MAX_BYTES) -> "Checkpoint":
        """Opens a file; its weights are loaded when they are asked for.

        Raises:
            InputError: See `Structure.read`.
        """
        return cls(path, Structure.read(path, max_bytes), max_bytes)

    def state(self, *path: str) -> "dict[str, torch.Tensor]":
        """Returns the tensors at and below a nested dictionary, as they were saved.

        Args:
            *path: Keys on the way to it; none if the file itself is a state dict. A TorchScript
                archive gives its parameters and buffers, an ONNX file its initializers.

        Returns:
            Flat names, a leading "module." taken off, to tensors on the processor in the type that
            the file has.

        Raises:
            InputError: If there are none, or they cannot be loaded.
        """
        import torch

        found = {
            state_name(keys[len(path) :]): torch.as_tensor(value)
            for keys, value in _tensors(self._content, ())
            if keys[: len(path)] == path
        }
        if not found:
            raise InputError(
                f"{self.path} holds no weights under {'.'.join(path) or 'its keys'!r}; it begins "
                f"with {', '.join(self.structure.keys())}."
            )
        return found

    def value(self, *path: str) -> object:
        """Returns what is at these keys: a plain value, or an array of numpy.

        Raises:
            InputError: If nothing is there.
        """
        import torch

        value: Any = self._content
        for key in path:
            items = value.items() if isinstance(value, dict) else ()
            value = next((item for name, item in items if str(name) == key), None)
            if value is None:
                raise InputError(
                    f"{self.path} holds nothing under {'.'.join(path)!r}; it begins with "
                    f"{', '.join(self.structure.keys())}."
                )
        if isinstance(value, np.generic):
            return value.item()
        return value.numpy() if isinstance(value, torch.Tensor) else value

    def onnx(self) -> "onnx.ModelProto":
        """Returns the whole ONNX model, external data loaded.

        Raises:
            InputError: If it is none, or its weights lie outside of its folder.
        """
        if self.structure.kind != "onnx":
            raise InputError(f"{self.path} is no ONNX file; name one that is.")
        return load_onnx(self.path)

    @cached_property
    def _content(self) -> dict[Any, Any]:
        if self.structure.kind == "onnx":
            return {w.name: _array(w) for w in self.onnx().graph.initializer}
        with _sentences(self.path):
            return self._script() if self.structure.kind == "torchscript" else self._pickled()

    def _pickled(self) -> dict[Any, Any]:
        import torch

        with self.path.open("rb") as file:
            is_zip = file.read(len(archive.MAGIC)) == archive.MAGIC
        with torch.serialization.safe_globals(_numpy_globals()):
            content = torch.load(self.path, map_location="cpu", weights_only=True, mmap=is_zip)
        return dict(content)

    def _script(self) -> dict[Any, Any]:
        """Reads the records themselves: torch.jit.load would compile the archive's code."""
        with archive.opened(self.path, self.max_bytes) as opened:
            return dict(_loaded(opened.unpickled().value, opened))


def _loaded(value: Any, opened: archive.Archive) -> Any:
    inner = value.attributes if isinstance(value, ScriptObject) else value
    if isinstance(inner, dict):
        return {key: _loaded(item, opened) for key, item in inner.items()}
    return _tensor(inner, opened) if isinstance(inner, StoredTensor) else inner


def _tensor(stored: StoredTensor, opened: archive.Archive) -> "torch.Tensor":
    import torch

    dtype = getattr(torch, stored.info.dtype)
    data = opened.numbers(stored.storage)
    numbers = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
    return numbers.as_strided(stored.info.shape, stored.stride, stored.offset)


def _tensors(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    import torch

    if isinstance(value, dict):
        for key, item in value.items():
            yield from _tensors(item, (*keys, str(key)))
    elif isinstance(value, torch.Tensor | np.ndarray):
        yield keys, value


def _array(weight: Any) -> Any:
    import onnx

    return onnx.numpy_helper.to_array(weight).copy()


def _numpy_globals() -> list[Any]:
    """What arrays and numbers of numpy need, under the names of numpy 1 and 2."""
    multiarray = importlib.import_module("numpy._core.multiarray")
    named = [
        (getattr(multiarray, name), f"numpy.{package}.multiarray.{name}")
        for package in ("core", "_core")
        for name in ("_reconstruct", "scalar")
    ]
    codes = "?bhilqBHILQefd"
    return [np.ndarray, np.dtype, *named, *{type(np.dtype(code)) for code in codes}]


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # torch fails in many ways at a file that is not what it seems
        raise InputError(
            f"The weights of {path} cannot be loaded; save its state_dict() again with torch.save."
        ) from error
