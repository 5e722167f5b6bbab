"""A served model as an asynchronous function of named arrays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from client.calls import Calls
from client.connection import Connection
from client.constant import Constant
from client.errors import ContractError, InferenceError, ModelUnavailableError
from client.gather import Gatherer
from client.manifest import Manifest, parse_manifest
from client.pulse import STALL_S
from client.shared_transport import SharedMemoryTransport
from client.tensors import NUMPY_TYPES, Array, TensorSpec
from client.transport import MessageTransport, Signature, Transport

_BUSY = 2  # requests to each instance of a model: one is computed, the next one is there already


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
    signature: Signature
    max_batch_size: int
    manifest: Manifest
    instances: int
    calls: Calls
    gatherer: Gatherer

    @classmethod
    async def open(
        cls,
        connection: Connection,
        name: str,
        version: str | None = None,
        *,
        stall_s: float = STALL_S,
        rows_per_request: int = 1,
    ) -> Self:
        """Reads a model's tensors and manifest from the server.

        Args:
            connection: The server.
            name: Model name.
            version: Version to use; the newest one that is served when None.
            stall_s: How long it may finish no batch while a request waits; 20 of its batches at
                least.
            rows_per_request: How many rows of calls that are made at about the same time travel
                in one request; the model's batch at most.

        Raises:
            ModelUnavailableError: If the server does not serve it.
            ContractError: If it has no batch axis or no manifest.
        """
        versions = await connection.model_versions(name)
        if not versions or (version or versions[-1]) not in versions:
            raise ModelUnavailableError(
                f"The server at {connection.url} serves no version {version or ''} of {name}; "
                f"it serves {', '.join(versions) or 'none'}."
            )
        chosen = version or versions[-1]
        config = await connection.model_config(name)
        if config.max_batch_size < 1:
            raise ContractError(f"{name} at {connection.url} must have max_batch_size > 0.")
        calls = Calls(connection, name, chosen, stall_s)
        subject = f"{name} version {chosen}"
        signature = Signature(subject, _specs(config.input), _specs(config.output))
        rows = min(rows_per_request, config.max_batch_size)
        instances = sum(max(group.count, 1) for group in config.instance_group) or 1
        send = _transport(connection, calls, signature, rows)
        return cls(
            connection=connection,
            name=name,
            version=chosen,
            signature=signature,
            max_batch_size=config.max_batch_size,
            manifest=_manifest(config, chosen),
            instances=instances,
            calls=calls,
            gatherer=Gatherer(send.infer, rows=rows, busy=_BUSY * instances),
        )

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """Inputs by name."""
        return self.signature.inputs

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """Outputs by name."""
        return self.signature.outputs

    async def __call__(
        self, constant: Constant | None = None, /, **inputs: Array
    ) -> dict[str, Array]:
        """Runs the model.

        Args:
            constant: Declared inputs that many calls have in common.
            **inputs: Exactly the other declared inputs, batch axis first.

        Returns:
            Every declared output by name, batch axis first.

        Raises:
            ContractError: If the inputs or the answer do not fit the declaration.
            InferenceError: If the server reports an error, or the model hangs.
            ServerError: If the server does not serve the model, or was away for too long.
        """
        self._check_inputs(inputs, constant.inputs if constant else {})
        outputs = await self.gatherer.call(inputs, constant)
        for name in self.outputs:
            if name not in outputs:
                raise InferenceError(f"{self.name} version {self.version} left out {name}.")
        return outputs

    async def batching(self) -> Batching:
        """Reads how Triton batched this version so far."""
        stats = await self.calls.statistics()
        batches = {int(b.batch_size): int(b.compute_infer.count) for b in stats.batch_stats}
        return Batching(int(stats.inference_count), int(stats.execution_count), batches)

    def _check_inputs(self, *given: Mapping[str, Array]) -> None:
        names = [name for inputs in given for name in inputs]
        if sorted(names) != sorted(self.inputs):
            raise ContractError(f"{self.name} takes {sorted(self.inputs)}, not {sorted(names)}.")
        for inputs in given:
            for name, array in inputs.items():
                spec = self.inputs[name]
                if not spec.accepts(array):
                    raise ContractError(
                        f"{self.name} takes {spec} after the batch axis, not {array.dtype} "
                        f"{list(array.shape)}."
                    )


def _transport(connection: Connection, calls: Calls, signature: Signature, rows: int) -> Transport:
    if connection.memory is None or not signature.is_fixed:
        return MessageTransport(calls, signature)
    return SharedMemoryTransport(connection.memory, calls, signature, rows)


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
