"""Where a file holds a WeNet encoder and of what size it is, told from names and shapes alone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from client.errors import InputError
from export.structure import Structure

# Training saves the bare state dict of the whole recogniser; others wrap or cut it.
_PATHS: tuple[tuple[str, ...], ...] = ((), ("state_dict",), ("model",), ("model_state_dict",))
_PREFIXES = ("encoder.", "")
_PARTS = ("embed.", "encoders.", "after_norm.", "global_cmvn.")
_SIGN = "encoders.0.self_attn.linear_q.weight"

# In files, but without a part in the answer: counters of training, the table of positions, which is
# computed again, and a layer of WeNet 1.0 that only `concat_after` would use.
_UNUSED = re.compile(r"num_batches_tracked$|^embed\.pos_enc\.|^encoders\.\d+\.concat_linear\.")
_OLD_SIGN = "encoders.0.concat_linear.weight"
_ESPNET_PARTS = ("frontend.", "normalize.")


class Shaped(Protocol):
    """A tensor, or what is known of one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its extents."""


T = TypeVar("T")


@dataclass(frozen=True)
class Location:
    """Where the encoder is: keys to its state dict, and what its names begin with there."""

    path: tuple[str, ...]
    prefix: str

    def tensors(self, state: Mapping[str, T]) -> dict[str, T]:
        """Returns those of a state dict that the encoder has, under its own names."""
        named = {
            key.removeprefix(self.prefix): value
            for key, value in state.items()
            if key.startswith(self.prefix)
        }
        return {key: value for key, value in named.items() if self.prefix or key.startswith(_PARTS)}


@dataclass(frozen=True)
class Layout:
    """Size of a Conformer encoder.

    Attributes:
        blocks: Number of Conformer blocks.
        width: Features that it computes with and gives.
        heads: Heads of attention.
        hidden: Width inside of the feed-forward modules.
        kernel: Frames under the depthwise convolution.
        mel_columns: What is left of the mel bands behind the two convolutions at the input.
        has_batch_norm: Whether the convolution modules normalise by BatchNorm, not LayerNorm.
        is_old: Whether it was saved by WeNet 1.0, which had another epsilon.
        cmvn_bands: Mel bands of the stored mean; None without one.
    """

    blocks: int
    width: int
    heads: int
    hidden: int
    kernel: int
    mel_columns: int
    has_batch_norm: bool
    is_old: bool
    cmvn_bands: int | None


def find_encoder(structure: Structure) -> Location | None:
    """Returns where a file holds a WeNet encoder, or None if it has none."""
    if structure.kind == "onnx":
        return None
    for path in _PATHS:
        state = structure.state(*path)
        for prefix in _PREFIXES:
            if prefix + _SIGN in state and any(key.startswith(f"{prefix}embed.") for key in state):
                return Location(path, prefix)
    return None


def is_used(key: str) -> bool:
    """Whether a tensor has a part in the encoder's answer."""
    return _UNUSED.search(key) is None


def check_origin(keys: Iterable[str]) -> None:
    """Checks that a whole file is not one of ESPnet, whose names are the same.

    Raises:
        InputError: If it is; its attention shifts positions, which WeNet's does not.
    """
    if any(key.startswith(_ESPNET_PARTS) for key in keys):
        raise InputError(
            "The checkpoint is a recogniser of ESPnet, whose attention differs from WeNet's under "
            "the same names; give one that WeNet trained."
        )


def read_layout(tensors: Mapping[str, Shaped]) -> Layout:
    """Reads the size of an encoder.

    Args:
        tensors: Of the encoder, under its own names.

    Raises:
        InputError: If it is no Conformer with relative positions behind a "conv2d" input.
    """
    _check_blocks(tensors)
    _check_input(tensors)
    first = "encoders.0."
    width, columns = tensors["embed.out.0.weight"].shape
    mean = tensors.get("global_cmvn.mean")
    return Layout(
        blocks=len({key.split(".")[1] for key in tensors if key.startswith("encoders.")}),
        width=width,
        heads=tensors[f"{first}self_attn.pos_bias_u"].shape[0],
        hidden=_first_extent(tensors, f"{first}feed_forward.w_1.weight"),
        kernel=tensors[f"{first}conv_module.depthwise_conv.weight"].shape[-1],
        mel_columns=columns // width,
        has_batch_norm=f"{first}conv_module.norm.running_mean" in tensors,
        is_old=_OLD_SIGN in tensors,
        cmvn_bands=mean.shape[0] if mean is not None else None,
    )


def _check_blocks(tensors: Mapping[str, Shaped]) -> None:
    if "encoders.0.norm1.weight" in tensors:
        raise _variant("its blocks are those of a plain Transformer")
    if "encoders.0.self_attn.linear_pos.weight" not in tensors:
        raise _variant("its attention has no relative positions (abs_pos, no linear_pos)")
    if "encoders.0.self_attn.pos_bias_u" not in tensors:
        raise _variant("its attention has no pos_bias_u")
    if "encoders.0.conv_module.depthwise_conv.weight" not in tensors:
        raise _variant("its blocks have no convolution module")


def _check_input(tensors: Mapping[str, Shaped]) -> None:
    second = tensors.get("embed.conv.2.weight")
    if second is None:
        raise _variant("its input layer is not convolutional (input_layer: linear or other)")
    if "embed.conv.4.weight" in tensors:
        raise _variant("its input layer is conv2d8, and gives 12.5 features per second")
    if second.shape[-1] != 3 or "embed.out.0.weight" not in tensors:
        raise _variant("its input layer is conv2d6, and gives 16.7 features per second")
    if len(tensors["embed.out.0.weight"].shape) != 2:
        raise _variant("embed.out.0.weight has not two axes")


def _first_extent(tensors: Mapping[str, Shaped], key: str) -> int:
    if key not in tensors:
        raise _variant(f"{key} is missing")
    return tensors[key].shape[0]


def _variant(what: str) -> InputError:
    return InputError(
        f"The checkpoint is of a WeNet encoder that is not supported: {what}; give a Conformer "
        "with rel_pos and input_layer conv2d."
    )
