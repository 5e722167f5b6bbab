"""What a family of networks is to the export: how its checkpoints are known, what they become."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from client.tensors import TensorSpec
from export.checkpoint import Checkpoint
from export.structure import Structure

Arrays = Mapping[str, NDArray[np.generic]]


class Network(Protocol):
    """A network that can be run here and written for a server.

    Attributes:
        inputs: What it takes, without the batch axis.
        outputs: What it gives, without the batch axis.
    """

    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]

    def run(self, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
        """Runs it as it came, in float32; arrays have a batch axis."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """What a family makes of one checkpoint.

    Attributes:
        served: The whole model, with the tensors of its role.
        core: The float network inside, whose numbers are compared to 1e-4; the module that
            `served` holds under the name `core`.
        examples: Makes inputs of `served` for a batch of so many, always the same ones.
        core_examples: The same of `core`.
        source: Where the weights come from, as far as the checkpoint tells.
        licence: What its user has to know of the licence of such weights.
        feature_kind: Layout of the speech features it gives or takes.
        crop: Kind and numbers of the crop geometry it takes.
        window: `sample_rate`, `left_context`, `core` and `right_context` in samples.
        paste: How its picture is laid into the frame: `mode` and numbers.
        parameters: Numbers inside the graph that shape its answers.
        figures: What else was measured while it was built, by name.
        max_batch_size: Rows that the server joins at most.
        queue_delay_us: How long the server waits for more rows.
        summary: One sentence for configuration and card.
    """

    served: Network
    core: Network
    examples: Callable[[int], Arrays]
    core_examples: Callable[[int], Arrays]
    source: str
    licence: str
    summary: str
    feature_kind: str | None = None
    crop: Mapping[str, object] | None = None
    window: Mapping[str, int] | None = None
    paste: Mapping[str, object] | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    max_batch_size: int = 8
    queue_delay_us: int = 2000


class Builder(Protocol):
    """Builds a checkpoint of one family; imports torch where it needs it."""

    def __call__(self, checkpoint: Checkpoint, config: Mapping[str, object]) -> Build:
        """Builds it.

        Args:
            checkpoint: A file that the family recognised.
            config: The `--config` file; empty without one.

        Raises:
            InputError: If the checkpoint or the configuration is of a variant that is not known.
        """


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of networks.

    Attributes:
        name: As on the command line.
        role: The role that its models fill.
        title: What its checkpoints are, as a sentence says it: "a WeNet speech encoder".
        model_name: Name of the served model unless the user gives one.
        recognises: Whether a file is one of this family, by its structure alone.
        builder: Where its `Builder` is, as "package.module:name"; imported when it is needed.
        needs_checkpoint: Whether there are weights at all.
    """

    name: str
    role: str
    title: str
    model_name: str
    recognises: Callable[[Structure], bool]
    builder: str
    needs_checkpoint: bool = True
