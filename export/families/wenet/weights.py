"""The weights of a checkpoint as a network, every tensor by its name."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from client.errors import InputError
from export.families.wenet.layout import is_used

CMVN = ("global_cmvn.mean", "global_cmvn.istd")


def load(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Gives a network its weights, without copying those that are float32.

    Args:
        network: An encoder.
        tensors: Of a checkpoint, under the encoder's own names.

    Raises:
        InputError: If one is missing, unknown or of another shape; names the first.
    """
    wanted = {key: value for key, value in network.state_dict().items() if is_used(key)}
    found = {key: t for key, t in tensors.items() if is_used(key) and key not in CMVN}
    for key in [*wanted, *found]:
        _check(key, wanted, found)
    floats = {key: value.to(torch.float32) for key, value in found.items()}
    network.load_state_dict(floats, strict=False, assign=True)


def _check(key: str, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    if key not in found:
        raise _variant(f"{key} is missing")
    if key not in wanted:
        raise _variant(f"{key} is not known")
    if wanted[key].shape != found[key].shape:
        there, here = list(found[key].shape), list(wanted[key].shape)
        raise _variant(f"{key} is {there} instead of {here}")


def _variant(what: str) -> InputError:
    return InputError(
        f"The checkpoint is of a WeNet encoder that is not supported: {what}; give the file that "
        "training saved of a Conformer, not quantised."
    )
