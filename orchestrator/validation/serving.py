"""Whether a configuration is complete, and batches as the pipeline needs it."""

from collections import Counter
from collections.abc import Iterator
from math import prod
from typing import Any

from orchestrator.validation.config import Config, datatype_of, is_carried
from orchestrator.validation.finding import Finding, listed
from orchestrator.validation.repository import Model


def batch_axis(config: Config) -> Iterator[Finding]:
    """Frames are batched across jobs."""
    if config.max_batch_size < 1:
        yield config.finding(
            "batching",
            "max_batch_size",
            "max_batch_size is not above 0, and clients of this project send batches.",
            "Export the model with a batch axis and write its size, such as max_batch_size: 8.",
        )


def dynamic_batching(config: Config) -> Iterator[Finding]:
    """Without a scheduler every frame is a run of its own."""
    if config.is_ensemble or config.max_batch_size < 1:
        return
    message = config.message
    if not message.HasField("dynamic_batching") and not message.HasField("sequence_batching"):
        yield config.finding(
            "dynamic-batching",
            "",
            "There is no dynamic_batching: frames of several jobs are not joined to batches.",
            "Write dynamic_batching { max_queue_delay_microseconds: 1000 }.",
            level="warning",
        )
    for size in message.dynamic_batching.preferred_batch_size:
        if not 0 < size <= config.max_batch_size:
            yield config.finding(
                "batching",
                "dynamic_batching.preferred_batch_size",
                f"The preferred batch size {size} is not in 1 to {config.max_batch_size}, and "
                "Triton refuses the model.",
                "Remove preferred_batch_size, or correct it.",
            )


def version_policy(model: Model, config: Config) -> Iterator[Finding]:
    """Which versions are served is written down, and they exist."""
    wanted = config.policy_versions
    if wanted is None:
        yield config.finding(
            "version-policy",
            "version_policy",
            "version_policy does not name versions: a version that is added is served at once, and "
            "one that a job uses goes.",
            f"Write version_policy: {{ specific: {{ versions: [ {_newest(model)} ] }} }}.",
        )
        return
    if not wanted:
        sentence, mend = "version_policy names no version.", "Name one, such as versions: [ 1 ]."
        yield config.finding("version-policy", "version_policy", sentence, mend)
    present = {int(version.name) for version in model.versions}
    missing = [version for version in wanted if version not in present]
    if missing:
        yield config.finding(
            "version-missing",
            "version_policy",
            f"version_policy names version {listed(missing)}, which has no folder, and Triton "
            "serves the model without it.",
            "Add the version, or remove it from version_policy.",
        )


def no_versions(model: Model, config: Config) -> Iterator[Finding]:
    """A model without a version is none."""
    if not model.versions and not config.is_ensemble and not config.policy_versions:
        sentence, mend = "The model has no version.", "Add one, as the folder 1."
        yield config.finding("version-missing", "", sentence, mend)


def tensors(config: Config) -> Iterator[Finding]:
    """Nothing is left to auto-complete, which the embedded server does not do."""
    for key in ("input", "output"):
        declared = getattr(config.message, key)
        if not declared:
            sentence = f"The configuration declares no {key}, and the embedded server guesses none."
            yield config.finding("tensors", "", sentence, f"Write every {key} with type and dims.")
        for index, tensor in enumerate(declared):
            for wrong, mend in _tensor(tensor):
                sentence = f"The {key} {tensor.name or 'without a name'} {wrong}."
                yield config.finding("tensors", key, sentence, mend, index=index)
        for name, count in Counter(tensor.name for tensor in declared).items():
            if count > 1:
                sentence = f"The {key} {name} is declared {count} times."
                yield config.finding("tensors", key, sentence, "Remove one.", index=1)


def ensemble_steps(model: Model, config: Config, others: set[str]) -> Iterator[Finding]:
    """An ensemble needs its parts beside it."""
    steps = config.message.ensemble_scheduling.step
    if config.is_ensemble and not steps:
        sentence, mend = f"The ensemble {model.name} has no steps.", "Write ensemble_scheduling."
        yield config.finding("ensemble", "ensemble_scheduling", sentence, mend)
    for index, step in enumerate(steps):
        if step.model_name not in others:
            yield config.finding(
                "ensemble",
                "ensemble_scheduling.step",
                f"A step asks for the model {step.model_name}, which the repository lacks.",
                "Add that model, or correct the name.",
                index=index,
            )


def _newest(model: Model) -> str:
    return model.versions[-1].name if model.versions else "1"


def _tensor(tensor: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with a declared tensor, as a clause, and its mend."""
    datatype = datatype_of(tensor)
    if not tensor.name:
        yield "has no name", "Write its name."
    if datatype == "INVALID":
        yield "has no data_type", "Write it, such as data_type: TYPE_FP32."
    elif not is_carried(datatype):
        yield (
            f"is of type {datatype}, which clients of this project do not carry",
            ("Convert it inside the exported model."),
        )
    if not tensor.dims:
        yield "has no dims", "Write them, without the batch axis; a number a row is dims: [ 1 ]."
    if any(extent < 1 and extent != -1 for extent in tensor.dims):
        yield f"has dims {list(tensor.dims)}", "Write extents above 0, or -1 where they vary."
    elif tensor.HasField("reshape") and _volume(tensor.reshape.shape) != _volume(tensor.dims):
        yield (
            f"is reshaped from {list(tensor.dims)} to {list(tensor.reshape.shape)}, which hold "
            "different numbers of elements",
            "Correct reshape.",
        )
    if getattr(tensor, "optional", False):
        yield "is optional, which ONNX models with a batch axis cannot be", "Remove optional."


def _volume(shape: Any) -> int:
    return -1 if -1 in shape else prod(shape)
