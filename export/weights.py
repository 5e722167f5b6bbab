"""Giving a network the weights of a checkpoint, every tensor by its name."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from client.errors import InputError

_COUNTER = ".num_batches_tracked"  # of training only, and left out by some files


def load(network: nn.Module, tensors: Mapping[str, Tensor], title: str) -> None:
    """Gives a network its weights, without copying those that are float32.

    Args:
        network: Whose buffers and parameters all have to be found.
        tensors: Of a checkpoint, under the network's own names.
        title: What the network is, for messages: "a DINet generator".

    Raises:
        InputError: If one is missing, unknown or of another shape; names the first.
    """
    wanted = {key: value for key, value in network.state_dict().items() if _counts(key)}
    found = {key: tensor for key, tensor in tensors.items() if _counts(key)}
    for key in [*wanted, *found]:
        difference = _difference(key, wanted, found)
        if difference:
            raise InputError(
                f"The checkpoint is of a variant of {title} that is not supported: {difference}; "
                "give the file of the original network."
            )
    floats = {key: value.to(torch.float32) for key, value in found.items()}
    network.load_state_dict(floats, strict=False, assign=True)
    network.eval().requires_grad_(False)


def _counts(key: str) -> bool:
    return not key.endswith(_COUNTER)


def _difference(key: str, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str | None:
    if key not in found:
        return f"{key} is missing"
    if key not in wanted:
        return f"{key} is not known"
    here, there = list(wanted[key].shape), list(found[key].shape)
    return None if here == there else f"{key} is {there} instead of {here}"
