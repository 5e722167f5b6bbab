"""How tensors reach a model: in messages, or in memory that client and server share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tritonclient.grpc.aio as triton

from client.batch import Batch
from client.calls import Calls
from client.constant import Constant
from client.errors import ContractError
from client.tensors import Array, TensorSpec

CONSTANTS = 8  # so many are remembered, each with a number of rows

Specs = Mapping[str, TensorSpec]


@dataclass(frozen=True)
class Signature:
    """The tensors of a model.

    Attributes:
        subject: Which model, as the beginning of a sentence.
        inputs: By name.
        outputs: By name.
    """

    subject: str
    inputs: Specs
    outputs: Specs

    def spec(self, name: str) -> TensorSpec:
        """Returns an input or output."""
        return self.inputs[name] if name in self.inputs else self.outputs[name]

    def declared(self, name: str, rows: int) -> triton.InferInput:
        """Returns an input of a request, without its data; of fixed size."""
        spec = self.inputs[name]
        return triton.InferInput(name, [rows, *spec.shape], spec.datatype)

    def check_answer(self, name: str, datatype: str, shape: tuple[int, ...], rows: int) -> None:
        """Makes sure that an answer is what was declared.

        Args:
            name: Of the output.
            datatype: Triton's name of its type.
            shape: With the batch axis.
            rows: How many were asked for.

        Raises:
            ContractError: If it is not.
        """
        spec = self.outputs[name]
        if datatype != spec.datatype or shape[:1] != (rows,) or not spec.fits(shape[1:]):
            raise ContractError(
                f"{self.subject} declares {spec} but answered {datatype} {list(shape)} to {rows} "
                "of them."
            )

    @property
    def is_fixed(self) -> bool:
        """Whether every tensor has one size."""
        specs = [*self.inputs.values(), *self.outputs.values()]
        return all(extent >= 0 for spec in specs for extent in spec.shape)


class Transport(Protocol):
    """Carries requests to one model."""

    async def infer(self, batch: Batch) -> dict[str, Array]:
        """Runs one inference.

        Returns:
            Outputs by name; those that the server left out are missing.
        """


class MessageTransport:
    """Tensors travel inside the gRPC messages; those of a constant are written once."""

    def __init__(self, calls: Calls, signature: Signature) -> None:
        self._calls = calls
        self._signature = signature
        self._constants: dict[tuple[Constant, int], list[triton.InferInput]] = {}

    async def infer(self, batch: Batch) -> dict[str, Array]:
        """Runs one inference."""
        tensors = [self._tensor(name, batch.joined(name)) for name in batch.names]
        if batch.constant is not None:
            tensors += self._constant(batch.constant, batch.size)
        result = await self._calls.infer(lambda: (tensors, None))
        return dict(self._read(result, batch.size))

    def _constant(self, constant: Constant, rows: int) -> list[triton.InferInput]:
        tensors = self._constants.pop((constant, rows), None)
        if tensors is None:
            repeated = {name: np.repeat(a, rows, axis=0) for name, a in constant.inputs.items()}
            tensors = [self._tensor(*item) for item in repeated.items()]
        self._constants[constant, rows] = tensors  # the last used one comes last
        if len(self._constants) > CONSTANTS:
            del self._constants[next(iter(self._constants))]
        return tensors

    def _tensor(self, name: str, array: Array) -> triton.InferInput:
        datatype = self._signature.inputs[name].datatype
        tensor = triton.InferInput(name, list(array.shape), datatype)
        tensor.set_data_from_numpy(array)
        return tensor

    def _read(self, result: triton.InferResult, rows: int) -> Iterator[tuple[str, Array]]:
        for name in self._signature.outputs:
            array: Array | None = result.as_numpy(name)
            if array is not None:
                datatype = result.get_output(name).datatype
                self._signature.check_answer(name, datatype, array.shape, rows)
                yield name, array
