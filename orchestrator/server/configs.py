"""What the configurations of models mean for the start of a server."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf import text_format  # type: ignore[import-untyped]
from tritonclient.grpc import model_config_pb2

from client.errors import InputError
from orchestrator.server.models import CONFIG_NAME

# The server starts its stubs through a shell, with the model's file in the line.
_SAFE_FILE = re.compile(r"[A-Za-z0-9_./-]*")


def needs_completion(repository: Path, models: Iterable[str]) -> bool:
    """Tells whether a model leaves to its backend what tensors it has.

    Args:
        repository: The model repository.
        models: Its models that are to be served.

    Raises:
        InputError: If a model's file has a name that cannot be served.
    """
    configs = [_read(repository / model / CONFIG_NAME) for model in models]
    return any(config is not None and not _is_complete(config) for config in configs)


def _read(path: Path) -> Any:
    """Returns a configuration; None if it cannot be read, about which the server has its say."""
    try:
        config = text_format.Parse(path.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())
    except (OSError, UnicodeDecodeError, text_format.ParseError):
        return None
    if not _SAFE_FILE.fullmatch(config.default_model_filename):
        raise InputError(
            f"default_model_filename {config.default_model_filename!r} in {path} cannot be served: "
            "name the file with letters, digits, dots, dashes and underscores."
        )
    return config


def _is_complete(config: Any) -> bool:
    if config.HasField("ensemble_scheduling"):
        return True
    tensors = [*config.input, *config.output]
    return bool(config.input and config.output) and all(
        tensor.data_type and (tensor.dims or tensor.HasField("reshape")) for tensor in tensors
    )
