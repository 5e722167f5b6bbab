"""`config.pbtxt`, read once: its message, where its fields stand, and what they mean."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from google.protobuf import text_format  # type: ignore[import-untyped]
from tritonclient.grpc import model_config_pb2

from client.tensors import NUMPY_TYPES, TensorSpec
from orchestrator.validation.field_lines import FieldLines, field_lines
from orchestrator.validation.files import Read, read_text
from orchestrator.validation.finding import Finding, Level, error

CONFIG_NAME = "config.pbtxt"
MIRROR = "manifest."
DEFAULT_FILES = {"onnxruntime": "model.onnx", "pytorch": "model.pt", "python": "model.py"}

# Known to the installed protocol, but not to Triton 2.51 (24.10).
NEWER_FIELDS = ("model_metrics", "ensemble_scheduling.max_inflight_requests")

_POSITION = re.compile(r"^\d+:\d+ : ")


@dataclass(frozen=True)
class Config:
    """A configuration that could be read.

    Attributes:
        message: The `ModelConfig` message.
        text: What the file says.
        lines: Field path to its lines.
        place: The file, relative to the repository.
    """

    message: Any
    text: str
    lines: FieldLines
    place: str

    def line(self, path: str, index: int = 0) -> int | None:
        """Returns the line of a field, or of what it would stand in."""
        while path:
            found = self.lines.get(path)
            if found:
                return found[index] if index < len(found) else found[0]
            path = path.rpartition(".")[0]
        return None

    def finding(
        self,
        rule: str,
        path: str,
        sentence: str,
        mend: str,
        *,
        index: int = 0,
        level: Level = "error",
    ) -> Finding:
        """A fault of a field, or of the file where it has no such field."""
        return Finding(rule, level, self.place, sentence, mend, self.line(path, index))

    @property
    def is_ensemble(self) -> bool:
        """Whether it only joins other models."""
        return bool(
            self.message.platform == "ensemble" or self.message.HasField("ensemble_scheduling")
        )

    @property
    def backend(self) -> str:
        """Name of the backend; empty where none is given."""
        return str(self.message.backend)

    @property
    def file_name(self) -> str:
        """Name of the model's file in a version folder; empty where there is none."""
        return str(self.message.default_model_filename) or DEFAULT_FILES.get(self.backend, "")

    @property
    def max_batch_size(self) -> int:
        """Largest batch."""
        return int(self.message.max_batch_size)

    @cached_property
    def inputs(self) -> dict[str, TensorSpec]:
        """Inputs by name, as clients see them."""
        return _specs(self.message.input)

    @cached_property
    def outputs(self) -> dict[str, TensorSpec]:
        """Outputs by name, as clients see them."""
        return _specs(self.message.output)

    @property
    def policy_versions(self) -> list[int] | None:
        """The versions that are to be served; None where the policy does not name them."""
        policy = self.message.version_policy
        return list(policy.specific.versions) if policy.HasField("specific") else None

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters by name."""
        return {key: str(value.string_value) for key, value in self.message.parameters.items()}

    @property
    def mirrors(self) -> dict[str, str]:
        """The manifests that it carries, by version."""
        return {
            key.removeprefix(MIRROR): text
            for key, text in self.parameters.items()
            if key.startswith(MIRROR)
        }

    def parameter_line(self, key: str) -> int | None:
        """Returns the line of a parameter."""
        return line_of(self.text, f'"{key}"')


def line_of(text: str, part: str) -> int | None:
    """Returns the line on which a part of a text begins first; None where it is not in it."""
    before, found, _ = text.partition(part)
    return before.count("\n") + 1 if found else None


def datatype_of(tensor: Any) -> str:
    """Returns Triton's name of a declared type, such as `FP32`."""
    return str(model_config_pb2.DataType.Name(tensor.data_type)).removeprefix("TYPE_")


def read_config(folder: Path, place: str) -> Read[Config]:
    """Reads a model's configuration; unknown fields are passed over, and are findings."""
    text = read_text(folder / CONFIG_NAME, place, "config-unreadable")
    if text.value is None:
        return Read(None, text.faults)
    lines = field_lines(text.value)
    message = model_config_pb2.ModelConfig()
    try:
        text_format.Parse(text.value, message, allow_unknown_field=True)
    except text_format.ParseError as failure:
        return Read(None, (_syntax(failure, place),))
    return Read(Config(message, text.value, lines, place), tuple(_unknown(lines, place)))


def _syntax(failure: Any, place: str) -> Finding:
    text = _POSITION.sub("", str(failure)).rpartition("': ")[2]  # the line itself stands before it
    reason = " ".join(text.split()).rstrip(".")
    return error(
        "config-syntax",
        place,
        f"Triton cannot parse the file: {reason}.",
        "Correct it; it is a ModelConfig message as protobuf text.",
        failure.GetLine(),
    )


def _unknown(lines: FieldLines, place: str) -> Iterator[Finding]:
    told: list[str] = []
    for path, numbers in lines.items():
        if any(path.startswith(f"{known}.") for known in told):
            continue
        if not _is_field(path.split(".")):
            told.append(path)
            sentence = f"Triton's model configuration has no field {path}, so the model is refused."
            yield error("config-field", place, sentence, "Correct or remove it.", numbers[0])
        elif path in NEWER_FIELDS:
            told.append(path)
            sentence = f"The field {path} is newer than Triton 2.51 (24.10), which refuses it."
            yield error("config-field", place, sentence, "Remove it.", numbers[0])


def _is_field(names: Iterable[str]) -> bool:
    message = model_config_pb2.ModelConfig.DESCRIPTOR
    for name in names:
        field = message.fields_by_name.get(name) if message is not None else None
        if field is None:
            return False
        message = field.message_type
    return True


def _specs(tensors: Iterable[Any]) -> dict[str, TensorSpec]:
    return {t.name: TensorSpec(t.name, datatype_of(t), tuple(t.dims)) for t in tensors}


def is_carried(datatype: str) -> bool:
    """Whether this project's client sends and receives tensors of a type."""
    return datatype in NUMPY_TYPES
