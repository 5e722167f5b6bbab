"""Pickles of weights, read without importing or running anything that they name.

A pickle is a program: it names functions and has them called. Here every name is looked up in a
closed table, and what stands there only notes what would have been made. A name that is not in the
table ends the reading with a sentence.
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, ClassVar

import numpy as np

from client.errors import InputError

STORAGE_TYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
ITEM_BYTES = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
}

_MAX_LISTED = 100
_PLAIN_KEYS = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class TensorInfo:
    """Shape and type of one tensor.

    Attributes:
        shape: Its extents.
        dtype: Its type as torch and numpy call it, such as "float32".
    """

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Storage:
    """Numbers that tensors share.

    Attributes:
        key: Its name in the file.
        dtype: Type of its numbers.
        count: How many there are.
    """

    key: str
    dtype: str
    count: int

    @property
    def size_bytes(self) -> int:
        """How long it is in the file."""
        return self.count * ITEM_BYTES[self.dtype]


@dataclass(frozen=True)
class StoredTensor:
    """A tensor, and where in a storage its numbers are.

    Attributes:
        offset: Position of its first number in the storage.
        stride: Distance of neighbours along every axis, in numbers.
    """

    info: TensorInfo
    storage: Storage
    offset: int
    stride: tuple[int, ...]


@dataclass
class ScriptObject:
    """An object of a TorchScript archive: only its attributes."""

    attributes: dict[str, object] = field(default_factory=dict)


@dataclass
class _NumpyType:
    code: str

    @property
    def name(self) -> str:
        return "object" if "O" in self.code else np.dtype(self.code).name


@dataclass
class _NumpyArray:
    info: TensorInfo = TensorInfo((), "object")


@dataclass(frozen=True)
class _Global:
    """What stands for a function or a class: it is called instead, and is harmless."""

    name: str
    make: Callable[..., object]


class _OverrunError(Exception):
    """A tensor that reaches beyond its storage."""


class _InertUnpickler(pickle._Unpickler):
    """Calls nothing but what `_GLOBALS` holds; the pure Python one, whose dispatch can be narrowed.

    The C one reserves memory for any memo number that a file names.
    """

    stack: list[Any]
    append: Callable[[object], None]
    pop_mark: Callable[[], list[Any]]

    def __init__(self, stream: IO[bytes], file_name: str, *, is_script: bool) -> None:
        super().__init__(stream)
        self.file_name = file_name
        self.is_script = is_script
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        module = "builtins" if module == "__builtin__" else module
        full_name = f"{module}.{name}"
        if self.is_script and module.startswith("__torch__"):
            return _Global(full_name, ScriptObject)
        if full_name not in _GLOBALS:
            raise InputError(
                f"{self.file_name} asks to run {full_name} when it is loaded; weights need no "
                "code, so save the model's state_dict() with torch.save and name that file."
            )
        return _Global(full_name, _GLOBALS[full_name])

    def persistent_load(self, pid: Any) -> Storage:
        kind, storage_type, key, _, count, *view = pid
        if kind != "storage" or any(view):
            raise ValueError("an unknown kind of storage")
        storage = Storage(str(key), STORAGE_TYPES[storage_type.name.removeprefix("torch.")], count)
        if count < 0 or self.storages.setdefault(storage.key, storage) != storage:
            raise ValueError("one storage of two sizes")
        return storage

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        function = self.stack.pop()
        self.append(function.make(*arguments))

    def load_newobj(self) -> None:
        self.load_reduce()

    def load_build(self) -> None:
        state = self.stack.pop()
        _set_state(self.stack[-1], state)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _set_item(self.stack[-1], key, value)

    def load_setitems(self) -> None:
        items = self.pop_mark()
        for key, value in zip(items[::2], items[1::2], strict=True):
            _set_item(self.stack[-1], key, value)

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
    }
    for _unused in (
        pickle.INST,
        pickle.OBJ,
        pickle.NEWOBJ_EX,
        pickle.EXT1,
        pickle.EXT2,
        pickle.EXT4,
        pickle.EMPTY_SET,
        pickle.ADDITEMS,
        pickle.FROZENSET,
        pickle.NEXT_BUFFER,
    ):
        del dispatch[_unused[0]]


@dataclass(frozen=True)
class Unpickled:
    """What a pickle holds.

    Attributes:
        value: Dictionaries, lists and plain values, with `StoredTensor`, `ScriptObject` and arrays
            of numpy in the places of what they stand for.
        storages: Every storage that it names.
    """

    value: object
    storages: Mapping[str, Storage]


def unpickle(stream: IO[bytes], file_name: str, *, is_script: bool = False) -> Unpickled:
    """Reads one pickle.

    Args:
        stream: Where it begins; left behind its end.
        file_name: What messages call the file.
        is_script: Whether it may hold objects of TorchScript.

    Raises:
        InputError: If it names a function that weights do not need, or is damaged.
    """
    reader = _InertUnpickler(stream, file_name, is_script=is_script)
    try:
        return Unpickled(reader.load(), reader.storages)
    except InputError:
        raise
    except _OverrunError as error:
        raise InputError(f"{file_name} is damaged: {error}; copy it again.") from error
    except Exception as error:  # a damaged pickle fails in every way that Python knows
        raise InputError(
            f"{file_name} is damaged, or no file of torch.save (its description of the tensors "
            "cannot be read): copy it again from where it came."
        ) from error


def plain_of(value: object) -> object:
    """Returns a value as Python's own types have it; of lists and tuples only the first items.

    Nothing deeper is looked at: a list may hold itself.
    """
    if isinstance(value, list | tuple):
        return list(value[:_MAX_LISTED])
    if isinstance(value, _Global):
        return value.name.removeprefix("torch.")
    return info_of(value) or value


def info_of(value: object) -> TensorInfo | None:
    """Returns shape and type of a tensor or array of numpy; None of anything else."""
    return value.info if isinstance(value, StoredTensor | _NumpyArray) else None


def _set_item(target: object, key: object, value: object) -> None:
    if not isinstance(target, dict) or not isinstance(key, _PLAIN_KEYS):
        raise TypeError("items of something that is no dictionary")
    target[key] = value


def _set_state(target: object, state: Any) -> None:
    if isinstance(target, ScriptObject):
        target.attributes = state if isinstance(state, dict) else {"state": state}
    elif isinstance(target, _NumpyArray):
        _, shape, dtype, *_ = state
        target.info = TensorInfo(_extents(shape), dtype.name)
    elif isinstance(target, _NumpyType):
        order = state[1]
        target.code = (order if order in ("<", ">") else "") + target.code.lstrip("<>|=")
    elif not isinstance(target, dict):  # the _metadata of a state dict is of no use here
        raise TypeError("a state of something that has none")


def _extents(values: Any) -> tuple[int, ...]:
    extents = tuple(int(value) for value in values)
    if any(extent < 0 for extent in extents):
        raise ValueError("a negative extent")
    return extents


def _tensor(storage: Storage, offset: int, size: Any, stride: Any, *_: object) -> StoredTensor:
    shape, steps = _extents(size), _extents(stride)
    reach = sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    if offset < 0 or (0 not in shape and offset + reach >= storage.count):
        raise _OverrunError(
            f"a tensor of {list(shape)} needs more numbers than its storage {storage.key!r} has, "
            f"{storage.count}"
        )
    return StoredTensor(TensorInfo(shape, storage.dtype), storage, offset, steps)


def _scalar(dtype: _NumpyType, data: bytes) -> object:
    return np.frombuffer(data, np.dtype(dtype.code), count=1)[0].item()


def _dictionary(pairs: Any = (), *_: object) -> dict[object, object]:
    result: dict[object, object] = {}
    for key, value in pairs:
        _set_item(result, key, value)
    return result


def _kept(value: object, *_: object) -> object:
    return value


def _listed(values: Any = (), *_: object) -> list[object]:
    return list(values)


def _encoded(text: str, coding: str = "latin1") -> bytes:
    if coding != "latin1":
        raise ValueError("another coding than that of bytes")
    return text.encode("latin1")


def _nothing(*_: object) -> None:
    return None


_NUMPY_GLOBALS: dict[str, Callable[..., object]] = {
    f"numpy.{package}.multiarray.{name}": make
    for package in ("core", "_core")
    for name, make in (("_reconstruct", lambda *_: _NumpyArray()), ("scalar", _scalar))
}
_DTYPES = (*ITEM_BYTES, "complex64", "complex128")
_GLOBALS: dict[str, Callable[..., object]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_parameter": _kept,
    "torch.Size": lambda values=(): tuple(_extents(values)),
    "torch.device": lambda *parts: ":".join(map(str, parts)),
    "torch.jit._pickle.build_intlist": _listed,
    "torch.jit._pickle.build_doublelist": _listed,
    "torch.jit._pickle.build_boollist": _listed,
    "torch.jit._pickle.build_tensorlist": _listed,
    "torch.jit._pickle.restore_type_tag": _kept,
    "collections.OrderedDict": _dictionary,
    "_codecs.encode": _encoded,
    "builtins.bytes": lambda *_: b"",
    "numpy.ndarray": _nothing,
    "numpy.dtype": lambda code, *_: _NumpyType(str(code)),
    **_NUMPY_GLOBALS,
    **{f"torch.{name}": _nothing for name in (*STORAGE_TYPES, *_DTYPES)},
}
