"""Whether a network gives for two pictures at once what it gives for them one by one."""

import zlib

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from client.errors import InputError
from export.family import Arrays
from export.graph_facts import extents, without_weights
from export.onnx_network import session

_ROWS = 2
_MAX_REASON = 200
# Of the largest number: other orders of summing, nothing else.
_MAX_RELATIVE_DIFFERENCE = 1e-3

Outputs = dict[str, NDArray[np.generic]]


def declare_outputs(widened: onnx.ModelProto, original: onnx.ModelProto, batch: str) -> None:
    """Checks a network with a batch axis and declares what it gives.

    Args:
        widened: Takes any number of rows; its outputs are declared anew.
        original: The same network for one row.
        batch: What the first axis is called.

    Raises:
        InputError: If it fails with two rows, or gives other numbers for them.
    """
    rows = noise(widened.graph, _ROWS)
    found = _run(widened, rows)
    _check(found, one_by_one(original, rows))
    for output in widened.graph.output:
        shape = found[output.name].shape
        declared = helper.make_tensor_value_info(
            output.name, output.type.tensor_type.elem_type, [batch, *shape[1:]]
        )
        output.CopyFrom(declared)


def one_by_one(original: onnx.ModelProto, rows: Arrays) -> Outputs:
    """Runs a network for every row by itself.

    Args:
        original: Takes one row; its outputs may be without a batch axis.
        rows: Inputs with a batch axis.

    Returns:
        Its outputs with a batch axis.
    """
    opened = session(original.SerializeToString())
    count = len(next(iter(rows.values())))
    names = [value.name for value in opened.get_outputs()]
    each = [
        opened.run(names, {name: array[index : index + 1] for name, array in rows.items()})
        for index in range(count)
    ]
    return {
        name: np.stack([_without_batch(values[at]) for values in each])
        for at, name in enumerate(names)
    }


def noise(graph: onnx.GraphProto, count: int) -> dict[str, NDArray[np.generic]]:
    """Makes inputs for so many rows, every row other than the others, always the same ones.

    Raises:
        InputError: If the graph leaves other extents open than the first.
    """
    return {value.name: _noise(value, count) for value in without_weights(graph)}


def _noise(value: onnx.ValueInfoProto, count: int) -> NDArray[np.generic]:
    shape = [extent or 0 for extent in extents(value)[1:]]
    if 0 in shape:
        raise InputError(
            f"The network leaves extents of {value.name} open besides the batch; export it for "
            "one size."
        )
    rng = np.random.default_rng(zlib.crc32(value.name.encode()))
    dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    if not np.issubdtype(dtype, np.floating):
        return rng.integers(0, 2, (count, *shape)).astype(dtype)
    brightness = np.linspace(0.5, 1.0, count).reshape(-1, *[1] * len(shape))
    return np.asarray(rng.random((count, *shape)) * brightness, dtype)


def _run(model: onnx.ModelProto, rows: Arrays) -> Outputs:
    opened = session(model.SerializeToString())
    names = [value.name for value in opened.get_outputs()]
    try:
        return dict(zip(names, opened.run(names, dict(rows)), strict=True))
    except Exception as error:  # ONNX Runtime's own classes share no other root
        raise InputError(
            "The network works for one picture only, and its batch axis cannot be opened "
            f"({' '.join(str(error).split())[:_MAX_REASON]}); export it with a dynamic batch axis."
        ) from error


def _check(found: Outputs, expected: Outputs) -> None:
    for name, reference in expected.items():
        difference = _relative_difference(found[name], reference)
        if not difference <= _MAX_RELATIVE_DIFFERENCE:
            raise InputError(
                f"The network gives other numbers for two pictures at once than one by one (its "
                f"output {name} is off by {difference:.2g} of its largest number); export it with "
                "a dynamic batch axis."
            )


def _relative_difference(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    if a.shape != b.shape:
        return float("inf")
    wide, reference = a.astype(np.float64), b.astype(np.float64)
    largest = float(np.abs(reference).max(initial=0)) or 1.0
    return float(np.abs(wide - reference).max(initial=0)) / largest


def _without_batch(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values[0] if len(values) == 1 else values
