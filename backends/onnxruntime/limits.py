"""What the native backend serves and this one does not: it says so before it loads anything."""

from backends.shared.config import ModelConfig

_FIELDS = {
    "batch_input": "builds inputs from a ragged batch",
    "batch_output": "takes outputs of a ragged batch apart",
    "sequence_batching": "keeps requests of a sequence together",
}
_MEND = "serve the model in NVIDIA's container, or configure it without"


def check_limits(config: ModelConfig, kind: str) -> None:
    """Makes sure that a configuration asks for nothing that only the native backend does.

    Args:
        config: The model's configuration.
        kind: `CPU` or `GPU`, the kind of the instance.

    Raises:
        ValueError: If it does.
    """
    for name, meaning in _FIELDS.items():
        if name in config.fields:
            raise ValueError(
                f"{name} in config.pbtxt {meaning}, which the embedded server does not; {_MEND}"
            )
    ragged = [tensor.name for tensor in config.inputs if tensor.is_ragged]
    if ragged:
        raise ValueError(
            f"allow_ragged_batch is set for {', '.join(ragged)} in config.pbtxt, and the embedded "
            f"server joins only requests of equal shapes; {_MEND}"
        )
    if kind == "GPU" and "cc_model_filenames" in config.fields:
        raise ValueError(
            "cc_model_filenames in config.pbtxt chooses a file for each GPU, which the embedded "
            f"server does not; {_MEND}"
        )
