"""Warm-up: the first request of a job finds every batch size prepared."""

from collections.abc import Iterator
from typing import Any

from client.tensors import TensorSpec
from orchestrator.validation.config import Config, datatype_of
from orchestrator.validation.finding import Finding, listed


def warmup_batches(config: Config) -> Iterator[Finding]:
    """The smallest and the largest batch are warmed up."""
    if config.is_ensemble or config.max_batch_size < 1:
        return
    given = {max(int(sample.batch_size), 1) for sample in config.message.model_warmup}
    missing = sorted({1, config.max_batch_size} - given)
    if missing:
        yield config.finding(
            "warmup",
            "model_warmup",
            f"model_warmup has no sample with a batch of {listed(missing)}, so the first such "
            "request of a job is slow.",
            "Write one with zero_data for every input.",
            level="warning",
        )


def warmup_samples(config: Config) -> Iterator[Finding]:
    """A sample that does not fit keeps the model from loading."""
    for index, sample in enumerate(config.message.model_warmup):
        for wrong in _faults(config, sample):
            yield config.finding(
                "warmup",
                "model_warmup",
                f"The warm-up sample {sample.name or index + 1} {wrong}, and Triton does not load "
                "the model.",
                "Make it fit the inputs.",
                index=index,
            )


def _faults(config: Config, sample: Any) -> Iterator[str]:
    if sample.batch_size > max(config.max_batch_size, 1):
        yield f"has a batch of {sample.batch_size}, above max_batch_size"
    missing = [name for name in config.inputs if name not in sample.inputs]
    unknown = [name for name in sample.inputs if name not in config.inputs]
    if missing:
        yield f"lacks the input {listed(missing)}"
    if unknown:
        yield f"gives {listed(unknown)}, which the model does not take"
    for name, spec in config.inputs.items():
        if name in sample.inputs:
            yield from _input(sample.inputs[name], spec)


def _input(given: Any, spec: TensorSpec) -> Iterator[str]:
    found = TensorSpec(spec.name, datatype_of(given), tuple(given.dims))
    if found.datatype != spec.datatype or not spec.fits(found.shape):
        yield f"gives {found} where the model takes {spec}"
    elif given.WhichOneof("input_data_type") is None:
        yield f"says of {spec.name} neither zero_data, random_data nor a file"
