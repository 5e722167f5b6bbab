"""A served model as an asynchronous function of named arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import tritonclient.grpc.aio as triton

from client.calls import Calls
from client.connection import Connection
from client.errors import ContractError, InferenceError, ModelUnavailableError
from client.manifest import Manifest, parse_manifest
from client.pulse import STALL_S
from client.tensors import NUMPY_TYPES, Array, TensorSpec


@dataclass(frozen=True)
class Batching:
    """How Triton grouped requests: `inferences / executions` is the mean batch."""

    inferences: int
    executions: int
    batches: dict[int, int]

    @property
    def mean_batch(self) -> float:
        """Mean number of frames in one execution."""
        return self.inferences / self.executions if self.executions else 0.0

    def since(self, earlier: "Batching") -> "Batching":
        """What happened after `earlier` was read; all of it when the server was restarted."""
        if self.executions < earlier.executions:
            return self
        sizes = {n: c - earlier.batches.get(n, 0) for n, c in self.batches.items()}
        return Batching(
            self.inferences - earlier.inferences,
            self.executions - earlier.executions,
            {n: c for n, c in sorted(sizes.items()) if c},
        )


@dataclass(frozen=True)
class ServedModel:
    """One version of one model on one server, with the tensors that the server declares."""

    connection: Connection
    name: str
    version: str
    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]
    max_batch_size: int
    manifest: Manifest
    calls: Calls

    @classmethod
    async def open(
        cls,
        connection: Connection,
        name: str,
        version: str | None = None,
        *,
        stall_s: float = STALL_S,
    ) -> Self:
        """Reads a model's tensors and manifest from the server.

        Args:
            connection: The server.
            name: Model name.
            version: Version to use; the newest one that is served when None.
            stall_s: How long it may finish no batch while a request waits; 20 of its batches at
                least.

        Raises:
            ModelUnavailableError: If the server does not serve it.
            ContractError: If it has no batch axis or no manifest.
        """
        versions = await connection.model_versions(name)
        if not versions or (version or versions[-1]) not in versions:
            raise ModelUnavailableError(
                f"The server at {connection.url} serves no version {version or ''} of {name}."
            )
        chosen = version or versions[-1]
        config = await connection.model_config(name)
        if config.max_batch_size < 1:
            raise ContractError(f"{name} at {connection.url} must have max_batch_size > 0.")
        return cls(
            connection=connection,
            name=name,
            version=chosen,
            inputs=_specs(config.input),
            outputs=_specs(config.output),
            max_batch_size=config.max_batch_size,
            manifest=_manifest(config, chosen),
            calls=Calls(connection, name, chosen, stall_s),
        )

    async def __call__(self, **inputs: Array) -> dict[str, Array]:
        """Runs the model.

        Args:
            **inputs: Exactly the declared inputs, batch axis first.

        Returns:
            Every declared output by name, batch axis first.

        Raises:
            ContractError: If the inputs or the answer do not fit the declaration.
            InferenceError: If the server reports an error, or the model hangs.
            ServerError: If the server does not serve the model, or was away for too long.
        """
        tensors = [self._tensor(name, array) for name, array in self._checked(inputs)]
        result = await self.calls.infer(tensors)
        return {name: self._output(result, spec) for name, spec in self.outputs.items()}

    async def batching(self) -> Batching:
        """Reads how Triton batched this version so far."""
        stats = await self.calls.statistics()
        batches = {int(b.batch_size): int(b.compute_infer.count) for b in stats.batch_stats}
        return Batching(int(stats.inference_count), int(stats.execution_count), batches)

    def _checked(self, inputs: dict[str, Array]) -> Sequence[tuple[str, Array]]:
        if inputs.keys() != self.inputs.keys():
            raise ContractError(f"{self.name} takes {sorted(self.inputs)}, not {sorted(inputs)}.")
        return list(inputs.items())

    def _tensor(self, name: str, array: Array) -> triton.InferInput:
        spec = self.inputs[name]
        if not spec.accepts(array):
            raise ContractError(
                f"{self.name} takes {spec} after the batch axis, not {array.dtype} "
                f"{list(array.shape)}."
            )
        tensor = triton.InferInput(name, list(array.shape), spec.datatype)
        tensor.set_data_from_numpy(array)
        return tensor

    def _output(self, result: triton.InferResult, spec: TensorSpec) -> Array:
        array: Array | None = result.as_numpy(spec.name)
        if array is None:
            raise InferenceError(f"{self.name} version {self.version} left out {spec.name}.")
        if not spec.accepts(array):
            raise ContractError(
                f"{self.name} version {self.version} declares {spec} but answered {array.dtype} "
                f"{list(array.shape)}."
            )
        return array


def _specs(tensors: Iterable[Any]) -> dict[str, TensorSpec]:
    return {t.name: TensorSpec(t.name, _datatype(t), tuple(t.dims)) for t in tensors}


def _datatype(tensor: Any) -> str:
    types = tensor.DESCRIPTOR.fields_by_name["data_type"].enum_type.values_by_number
    name = str(types[tensor.data_type].name).removeprefix("TYPE_")
    if name not in NUMPY_TYPES:
        raise ContractError(f"Tensor {tensor.name} has type {name}, which is not supported.")
    return name


def _manifest(config: Any, version: str) -> Manifest:
    key = f"manifest.{version}"
    if key not in config.parameters:
        raise ContractError(
            f"{config.name} version {version} carries no manifest: serve a repository that was "
            "written by export."
        )
    return parse_manifest(config.parameters[key].string_value, config.name, version)
