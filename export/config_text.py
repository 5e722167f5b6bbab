"""The `config.pbtxt` of an exported model: written whole once, and given versions later."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format  # type: ignore[import-untyped]
from tritonclient.grpc import model_config_pb2

from client.errors import InputError, OutputError
from client.tensors import TensorSpec

CONFIG_NAME = "config.pbtxt"

_POLICY = re.compile(r"^version_policy\b", re.MULTILINE)


@dataclass(frozen=True)
class ServedModel:
    """What `config.pbtxt` says of a model.

    Attributes:
        backend: Triton's name of the backend.
        file_name: File of the network in a version's folder.
        inputs: What it takes, without the batch axis.
        outputs: What it gives, without the batch axis.
        max_batch_size: Rows that the server joins at most.
        queue_delay_us: How long it waits for more rows.
        summary: One sentence on the model.
    """

    name: str
    backend: str
    file_name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch_size: int
    queue_delay_us: int
    summary: str

    def text(self, version: int) -> str:
        """Writes a complete configuration that serves one version; manifests are added to it."""
        return "\n".join(
            [
                f"# {' '.join(self.summary.split())}",
                f'name: "{self.name}"',
                f'backend: "{self.backend}"',
                f'default_model_filename: "{self.file_name}"',
                f"max_batch_size: {self.max_batch_size}",
                _tensors("input", self.inputs),
                _tensors("output", self.outputs),
                "# No queue policy and no priorities: either of them makes the scheduler stall for "
                "500 ms at random.",
                f"dynamic_batching {{ max_queue_delay_microseconds: {self.queue_delay_us} }}",
                "instance_group [ { count: 1 } ]",
                _policy(version),
                self._warmup(),
                "",
            ]
        )

    def _warmup(self) -> str:
        sizes = sorted({1, self.max_batch_size})
        return "model_warmup [\n" + ",\n".join(self._sample(size) for size in sizes) + "\n]"

    def _sample(self, size: int) -> str:
        inputs = ",\n".join(
            f'      {{ key: "{t.name}", value: {{ data_type: TYPE_{t.datatype}, '
            f"dims: {_dims(t)}, zero_data: true }} }}"
            for t in self.inputs
        )
        head = f'  {{\n    name: "batch_{size}"\n    batch_size: {size}\n    inputs: [\n'
        return f"{head}{inputs}\n    ]\n  }}"


def read_config(folder: Path) -> ServedModel:
    """Reads what an existing model is.

    Raises:
        InputError: If its configuration cannot be read.
    """
    text = read_text(folder)
    message = _parsed(text, folder)
    return ServedModel(
        name=folder.name,
        backend=str(message.backend),
        file_name=str(message.default_model_filename),
        inputs=_specs(message.input),
        outputs=_specs(message.output),
        max_batch_size=int(message.max_batch_size),
        queue_delay_us=int(message.dynamic_batching.max_queue_delay_microseconds),
        summary="",
    )


def read_text(folder: Path) -> str:
    """Reads a configuration.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        return (folder / CONFIG_NAME).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{folder / CONFIG_NAME} cannot be read; mend it, or give another --model-name."
        ) from error


def serving(text: str, version: int, folder: Path) -> str:
    """Returns a configuration whose version policy names one version and nothing else is changed.

    Raises:
        OutputError: If the policy cannot be found in it.
    """
    match = _POLICY.search(text)
    if match is None:
        return f"{text.rstrip()}\n{_policy(version)}\n"
    changed = text[: match.start()] + _policy(version) + text[_end_of_block(text, match.end()) :]
    before, after = _parsed(text, folder), _parsed(changed, folder)
    before.version_policy.Clear()
    before.version_policy.specific.versions.append(version)
    if before != after:
        raise OutputError(
            f"The version policy in {folder / CONFIG_NAME} cannot be changed safely; write "
            f"{_policy(version)} there."
        )
    return changed


def policy_versions(text: str, folder: Path) -> set[int]:
    """Returns the versions that a configuration names to be served; none if it names none."""
    return set(_parsed(text, folder).version_policy.specific.versions)


def differences(given: ServedModel, existing: ServedModel) -> list[str]:
    """Returns in what two models differ so that one cannot be a version of the other."""
    found = []
    if given.backend != existing.backend:
        found.append(f"the backend is {existing.backend} there and {given.backend} here")
    for kind in ("inputs", "outputs"):
        mine, theirs = getattr(given, kind), getattr(existing, kind)
        # TorchScript has no names for its outputs: the order of the configuration counts.
        in_order = kind == "outputs" and given.backend == "pytorch"
        if (mine if in_order else set(mine)) != (theirs if in_order else set(theirs)):
            found.append(f"it has the {kind} {_listed(theirs)} there and {_listed(mine)} here")
    return found


def _listed(specs: Iterable[TensorSpec]) -> str:
    return ", ".join(map(str, specs))


def _policy(version: int) -> str:
    return f"version_policy: {{ specific: {{ versions: [ {version} ] }} }}"


def _tensors(kind: str, specs: Iterable[TensorSpec]) -> str:
    lines = [
        f'  {{ name: "{spec.name}", data_type: TYPE_{spec.datatype}, dims: {_dims(spec)} }}'
        for spec in specs
    ]
    return f"{kind} [\n" + ",\n".join(lines) + "\n]"


def _dims(spec: TensorSpec) -> str:
    return f"[ {', '.join(map(str, spec.shape))} ]"


def _specs(tensors: Any) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(t.name, _datatype(t), tuple(t.dims)) for t in tensors)


def _datatype(tensor: Any) -> str:
    return str(model_config_pb2.DataType.Name(tensor.data_type)).removeprefix("TYPE_")


def _parsed(text: str, folder: Path) -> Any:
    try:
        return text_format.Parse(text, model_config_pb2.ModelConfig())
    except text_format.ParseError as error:
        raise InputError(
            f"{folder / CONFIG_NAME} is no configuration that Triton takes; mend it, or give "
            "another --model-name."
        ) from error


def _end_of_block(text: str, start: int) -> int:
    """Position behind the block that begins after `start`, braces in it counted."""
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if text[index] == "}" and depth <= 0:
            return index + 1
    return len(text)
