"""Where a file holds the weights of a DINet generator, and of what size it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from client.errors import InputError
from export.structure import Structure, TensorInfo

# Training saves the generator beside both discriminators; files that are handed around may be cut.
_PATHS: tuple[tuple[str, ...], ...] = (
    ("state_dict", "net_g"),
    ("net_g",),
    ("state_dict",),
    (),
)

_PICTURES = "ref_in_conv.0.conv.weight"
_SPEECH = "audio_encoder.0.conv.weight"
_SIGNS = (_PICTURES, _SPEECH, "source_in_conv.0.conv.weight", "adaAT.commn_linear.0.weight")

_RGB = 3


@dataclass(frozen=True)
class Size:
    """What differs between generators.

    Attributes:
        references: How many pictures it borrows from.
        audio_width: Width of its speech features.
    """

    references: int
    audio_width: int


def find_weights(structure: Structure) -> tuple[str, ...] | None:
    """Returns the path of keys to the generator's state dict, or None if there is none."""
    if structure.kind == "onnx":
        return None
    return next((path for path in _PATHS if _has_signs(structure.state(*path))), None)


def read_size(state: Mapping[str, TensorInfo]) -> Size:
    """Tells the size from the shapes of first convolutions.

    Raises:
        InputError: If its references are no RGB pictures.
    """
    channels = state[_PICTURES].shape[1]
    if channels % _RGB:
        raise InputError(
            f"The checkpoint is of a variant of DINet that is not supported: its references have "
            f"{channels} channels, which are no RGB pictures; give the file of the original "
            "network."
        )
    return Size(channels // _RGB, state[_SPEECH].shape[1])


def _has_signs(state: Mapping[str, TensorInfo]) -> bool:
    return all(sign in state and len(state[sign].shape) > 1 for sign in _SIGNS)
