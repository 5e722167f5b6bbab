"""Fills in what a configuration leaves out, from the model file, like the native backend.

Triton tells a python-based backend nothing of where the model is when it asks for this; the
command line of the process does.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from backends.onnxruntime.session import Grant, open_session
from backends.onnxruntime.signature import ONNX_TYPES, Node, Nodes, Signature, extents
from backends.shared.config import ModelConfig

DEFAULT_MAX_BATCH_SIZE = 4
COMMAND_LINE = Path("/proc/self/cmdline")

_TRITON_TYPES = {onnx: triton for triton, onnx in ONNX_TYPES.items()}


def own_version_folder(file_name: str, command_line: Path = COMMAND_LINE) -> Path:
    """Returns the folder of the version that Triton started this process for.

    Args:
        file_name: `default_model_filename`, with which the path in the command line ends.
        command_line: The words of this process, each ended by a zero byte.
    """
    path = Path(command_line.read_text(encoding="utf-8").split("\0")[1])
    return path.parents[len(PurePosixPath(file_name).parts) - 1]


def is_complete(config: ModelConfig) -> bool:
    """Whether a configuration declares inputs and outputs; then it is left as it is."""
    return bool((config.inputs or "batch_input" in config.fields) and config.outputs)


def read_signature(version_folder: Path, config: ModelConfig) -> Signature:
    """Reads a model file's inputs and outputs.

    Raises:
        ValueError: If the model cannot be loaded as configured, or an input is no tensor.
    """
    opened = open_session(version_folder, config, Grant("CPU", device_id=0, cores=1))
    return Signature.of(opened.session, config.file_name)


def complete(wanted: Any, signature: Signature) -> None:
    """Fills in largest batch, batching, inputs and outputs, where they are missing.

    Args:
        wanted: Triton's `ModelConfig` object for this.
        signature: The model file's inputs and outputs.

    Raises:
        ValueError: If the configuration asks for batches that the model cannot take.
    """
    config = wanted.as_dict()
    _complete_batch(wanted, config, can_batch(signature))
    is_batched = config["max_batch_size"] > 0
    for key, nodes in (("input", signature.inputs), ("output", signature.outputs)):
        if not config.get(key):
            # The object's own methods refuse `reshape`, which a single number needs.
            config[key] = [_declared(node, is_batched) for node in _sorted(nodes)]


def can_batch(signature: Signature) -> bool:
    """Whether the first axis of every input and output varies."""
    nodes = [*signature.inputs.values(), *signature.outputs.values()]
    return all(extents(node)[:1] == [-1] for node in nodes)


def _complete_batch(wanted: Any, config: dict[str, Any], is_possible: bool) -> None:
    if not is_possible:
        if config["max_batch_size"]:
            raise ValueError(
                f"max_batch_size is {config['max_batch_size']} in config.pbtxt, but the model has "
                "no dynamic batch axis; export it with one, or write max_batch_size: 0"
            )
        return
    if not config["max_batch_size"]:
        wanted.set_max_batch_size(DEFAULT_MAX_BATCH_SIZE)
    if config["max_batch_size"] > 1 and "sequence_batching" not in config:
        wanted.set_dynamic_batching()


def _declared(node: Node, is_batched: bool) -> dict[str, Any]:
    dims = extents(node)[1:] if is_batched else extents(node)
    entry: dict[str, Any] = {
        "name": node.name,
        "data_type": _TRITON_TYPES.get(node.type, "TYPE_INVALID"),
        "dims": dims or [1],
    }
    if is_batched and not dims:
        entry["reshape"] = {"shape": []}
    return entry


def _sorted(nodes: Nodes) -> Sequence[Node]:
    return [nodes[name] for name in sorted(nodes)]
