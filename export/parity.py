"""Whether a written network gives the numbers of the one that it was written from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.errors import OutputError
from export.family import Arrays
from export.precision import Precision

BATCHES = (1, 5)

Run = Callable[[Arrays], Mapping[str, NDArray[np.generic]]]
Outputs = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Limits:
    """How far an output may be off.

    Attributes:
        absolute: Largest difference of floats.
        levels: Largest difference of UINT8 samples.
        is_relative: Whether `absolute` grows with numbers beyond 1.
    """

    absolute: float
    levels: int = 1
    is_relative: bool = True

    def of(self, reference: NDArray[np.generic]) -> float:
        """Returns the limit of one output."""
        if reference.dtype == np.uint8:
            return float(self.levels)
        if not np.issubdtype(reference.dtype, np.floating):
            return 0.0
        scale = float(np.abs(reference).max(initial=0)) if self.is_relative else 1.0
        return self.absolute * max(1.0, scale)


SERVED: Mapping[Precision, Limits] = {"fp32": Limits(1e-4), "fp16": Limits(2e-3, 2)}
CORE: Mapping[Precision, Limits] = {
    "fp32": Limits(1e-4, is_relative=False),
    # Halves are 1e-3 of a number apart, so that only a share of it can be asked for.
    "fp16": Limits(2e-3, 2),
}


@dataclass(frozen=True)
class Figure:
    """One comparison.

    Attributes:
        part: "core" or "served".
        output: Name of the output.
        what: What was compared: "batch 1", "batch 5" or "rows of 5".
        difference: Largest absolute difference.
        limit: Largest that is allowed.
    """

    part: str
    output: str
    what: str
    difference: float
    limit: float

    @property
    def key(self) -> str:
        """Its name in a manifest."""
        return f"{self.part}_{self.output}_{self.what.replace(' ', '_')}"


def compare(
    part: str, reference: Run, written: Run, examples: Callable[[int], Arrays], limits: Limits
) -> list[Figure]:
    """Runs both networks on a batch of 1 and of 5, and the written one on the 5 rows by themselves.

    Args:
        part: What messages call it.
        reference: Runs the network as it came, in float32.
        written: Runs the file.
        examples: Makes inputs for a batch of so many.
        limits: How far they may be apart.

    Raises:
        OutputError: If they are further apart, or give numbers that are none.
    """
    figures: list[Figure] = []
    found: Outputs = {}
    for batch in BATCHES:
        inputs = examples(batch)
        expected, found = reference(inputs), written(inputs)
        figures += _differences(part, f"batch {batch}", expected, found, limits)
    rows = [written(row) for row in _rows(examples(BATCHES[-1]))]
    joined = {name: np.concatenate([row[name] for row in rows]) for name in found}
    figures += _differences(part, f"rows of {BATCHES[-1]}", joined, found, limits)
    check(figures)
    return figures


def check(figures: Sequence[Figure]) -> None:
    """Checks that every figure keeps its limit.

    Raises:
        OutputError: If one does not.
    """
    for figure in figures:
        if not figure.difference <= figure.limit:
            raise OutputError(
                f"The exported {figure.part} gives other numbers than the checkpoint: its output "
                f"{figure.output} is off by {figure.difference:.2g} ({figure.what}), and "
                f"{figure.limit:.2g} is allowed; nothing was published."
            )


def _rows(arrays: Arrays) -> Iterator[Arrays]:
    count = len(next(iter(arrays.values())))
    for index in range(count):
        yield {name: array[index : index + 1] for name, array in arrays.items()}


def _differences(
    part: str, what: str, expected: Outputs, found: Outputs, limits: Limits
) -> Iterator[Figure]:
    for name, reference in expected.items():
        difference = _difference(reference, found[name])
        yield Figure(part, name, what, difference, limits.of(reference))


def _difference(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """The largest difference; infinite where a shape, a type or a number is wrong."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return float("inf")
    if a.size == 0:
        return 0.0
    difference = np.abs(a.astype(np.float64) - b.astype(np.float64)).max()
    return float(difference) if np.isfinite(difference) else float("inf")
