"""What a checkpoint holds: names, shapes and types, read without torch and without running it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from client.errors import InputError
from export import archive, legacy_file
from export.inert import ScriptObject, TensorInfo, Unpickled, info_of, plain_of
from export.onnx_file import OnnxTensor, is_onnx, read_onnx

__all__ = ["MAX_BYTES", "OnnxTensor", "Structure", "TensorInfo"]

MAX_BYTES = 8 * 2**30
_MAX_ENTRIES = 200_000
_MAX_DEPTH = 64
_HEAD_BYTES = 64
_SHOWN_KEYS = 5

Path_ = tuple[str, ...]
Kind = Literal["state-dict", "torchscript", "onnx"]

_OTHER_KINDS = (
    (0, b"\x89HDF", "an HDF5 file (of Keras)"),
    (4, b"TFL3", "a TensorFlow Lite file"),
    (8, b'{"', "a safetensors file"),
    (0, b"\x1f\x8b", "a gzip archive: unpack it"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, without the weights: download them"),
    (0, b"<", "a web page or XML"),
    (0, b"\x80", "a pickle that torch.save did not write"),
)


@dataclass(frozen=True)
class Structure:
    """What a checkpoint holds.

    Attributes:
        kind: A dictionary of torch.save, an archive of torch.jit.save, or an ONNX file.
        entries: Keys on the way through nested dictionaries (attributes of modules, in a
            TorchScript archive; the one name of an ONNX initializer) to what is there: a
            `TensorInfo` for tensors of torch and arrays of numpy, else a plain value; of a list
            its first 100 items.
        onnx_inputs: What an ONNX graph takes.
        onnx_outputs: What it gives.
    """

    kind: Kind
    entries: Mapping[tuple[str, ...], object]
    onnx_inputs: tuple[OnnxTensor, ...] = ()
    onnx_outputs: tuple[OnnxTensor, ...] = ()

    @classmethod
    def read(cls, path: Path, max_bytes: int = MAX_BYTES) -> "Structure":
        """Reads a checkpoint's structure; nothing in the file is run.

        Args:
            path: The file.
            max_bytes: How large it may be, as a file and unpacked.

        Raises:
            InputError: If there is no such file, it is of no known kind, damaged or too large, or
                asks to run code when it is loaded.
        """
        head = _head(path, max_bytes)
        if head.startswith(archive.MAGIC):
            with archive.opened(path, max_bytes) as opened:
                kind: Kind = "torchscript" if opened.is_script else "state-dict"
                return cls(kind, _entries(opened.unpickled(), path))
        if legacy_file.MAGIC in head:
            return cls("state-dict", _entries(legacy_file.read_legacy(path), path))
        if not is_onnx(head):
            raise _unknown(path, head)
        found = read_onnx(path)
        weights: dict[Path_, object] = {(name,): info for name, info in found.initializers.items()}
        return cls("onnx", weights, found.inputs, found.outputs)

    def state(self, *path: str) -> dict[str, TensorInfo]:
        """Returns the tensors at and below a nested dictionary.

        Args:
            *path: Keys on the way to it; none if the file itself is a state dict.

        Returns:
            Flat names, as in a state dict, a leading "module." of DataParallel taken off; empty
            if there is no such dictionary.
        """
        return {
            state_name(keys[len(path) :]): value
            for keys, value in self.entries.items()
            if isinstance(value, TensorInfo) and keys[: len(path)] == path
        }

    def keys(self) -> list[str]:
        """Returns the first names in it, for messages."""
        names = [".".join(keys) for keys in self.entries]
        return names[:_SHOWN_KEYS] + (["…"] if len(names) > _SHOWN_KEYS else [])


def state_name(keys: tuple[str, ...]) -> str:
    """Returns the name in a flat state dict of what is at these keys."""
    return ".".join(keys).removeprefix("module.")


def _head(path: Path, max_bytes: int) -> bytes:
    if not path.is_file():
        what = "is a folder; name a file" if path.is_dir() else "does not exist; name a file"
        raise InputError(f"The checkpoint {path} {what}.")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise InputError(f"The checkpoint {path} cannot be read: {error.strerror}.") from error
    if not head:
        raise InputError(f"The checkpoint {path} is empty: copy it again from where it came.")
    if size > max_bytes:
        raise InputError(
            f"The checkpoint {path} has {size / 2**30:.1f} GiB, more than the "
            f"{max_bytes / 2**30:.3g} GiB that are read; raise --max-size-gib if that is right."
        )
    return head


def _unknown(path: Path, head: bytes) -> InputError:
    known = (text for at, magic, text in _OTHER_KINDS if head[at : at + len(magic)] == magic)
    what = next(known, "of no known kind, or damaged")
    return InputError(
        f"{path} is {what}; a checkpoint of torch.save, a TorchScript archive or an ONNX file is "
        "wanted."
    )


def _entries(found: Unpickled, path: Path) -> dict[Path_, object]:
    if not isinstance(found.value, dict | ScriptObject):
        raise InputError(
            f"{path} holds {_described(found.value)}, not a dictionary of weights; save the "
            "model's state_dict()."
        )
    entries: dict[Path_, object] = {}
    for keys, value in _walk(found.value, ()):
        entries[keys] = value
        if len(entries) > _MAX_ENTRIES or len(keys) > _MAX_DEPTH:
            raise InputError(f"{path} is nested without end; save only the model's state_dict().")
    return entries


def _walk(value: object, keys: Path_) -> Iterator[tuple[Path_, object]]:
    inner = value.attributes if isinstance(value, ScriptObject) else value
    if isinstance(inner, dict) and len(keys) <= _MAX_DEPTH:
        for key, item in inner.items():
            yield from _walk(item, (*keys, str(key)))
    else:
        yield keys, plain_of(inner)


def _described(value: object) -> str:
    return "one tensor" if info_of(value) else f"a {type(value).__name__}"
