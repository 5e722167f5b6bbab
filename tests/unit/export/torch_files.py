"""Files as torch writes them, made without torch: pickles put together by their operations."""

import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path

PROTOCOL = b"\x80\x02"
ITEM_BYTES = {"FloatStorage": 4, "HalfStorage": 2, "LongStorage": 8, "DoubleStorage": 8}


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + len(data).to_bytes(4, "little") + data


def number(value: int) -> bytes:
    return b"J" + value.to_bytes(4, "little", signed=True)


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def dictionary(items: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(key) + item for key, item in items.items()) + b"u"


def called(name: str, *arguments: bytes) -> bytes:
    """A function, by its full name, that the pickle has called."""
    module, _, function = name.rpartition(".")
    return f"c{module}\n{function}\n".encode() + b"(" + b"".join(arguments) + b"tR"


def tensor(
    key: str,
    shape: tuple[int, ...],
    *,
    storage: str = "FloatStorage",
    count: int | None = None,
    offset: int = 0,
) -> bytes:
    """A tensor whose numbers are the record `key`."""
    stride = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
    size = number(prod(shape) if count is None else count)
    place = (
        b"(" + text("storage") + f"ctorch\n{storage}\n".encode() + text(key) + text("cpu") + size
    )
    hooks = called("collections.OrderedDict")
    return called(
        "torch._utils._rebuild_tensor_v2",
        place + b"tQ",
        number(offset),
        numbers(shape),
        numbers(stride),
        b"\x89",
        hooks,
    )


def array(shape: tuple[int, ...], *, package: str = "core") -> bytes:
    """An array of numpy, float32."""
    made = called(
        f"numpy.{package}.multiarray._reconstruct",
        b"cnumpy\nndarray\n",
        numbers((0,)),
        text("b"),
    )
    dtype = called("numpy.dtype", text("f4"), b"\x89", b"\x88")
    dtype += b"(" + number(3) + text("<") + b"NNN" + number(-1) * 2 + number(0) + b"tb"
    data = called("_codecs.encode", text("\x00" * 4 * prod(shape)), text("latin1"))
    return made + b"(" + number(1) + numbers(shape) + dtype + b"\x89" + data + b"tb"


def save(
    path: Path,
    content: bytes,
    records: Mapping[str, bytes],
    *,
    code: bytes = b"",
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """Writes an archive of torch.save; one of torch.jit.save if there is code."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("archive/data.pkl", PROTOCOL + content + b".")
        file.writestr("archive/version", "3\n")
        for key, data in records.items():
            file.writestr(f"archive/data/{key}", data)
        if code:
            file.writestr("archive/constants.pkl", PROTOCOL + b").")
            file.writestr("archive/code/__torch__.py", code)
    return path


def state_dict(path: Path) -> Path:
    """A state dict of two tensors."""
    items = {
        "conv.weight": tensor("0", (2, 3)),
        "conv.bias": tensor("1", (2,), storage="HalfStorage"),
    }
    return save(path, dictionary(items), {"0": bytes(24), "1": bytes(4)})
