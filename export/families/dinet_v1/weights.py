"""Where a file holds the weights of HeyGem's generator, and whether it is the one that is known."""

from client.errors import InputError
from export.checkpoint import Checkpoint
from export.families.dinet_v1.sizes import SIDE
from export.structure import Structure

_GENERATOR = "face_G"
_MODEL_NAME = "dinet_v1"

# Of a state dict by itself: encoder stages have two convolutions each here, and one in DINet's.
_SIGNS = (
    "source_in_conv.0.0.conv.weight",
    "ref_in_conv.2.1.conv.weight",
    "adaAT.commn_linear.0.weight",
)


def find_weights(structure: Structure) -> tuple[str, ...] | None:
    """Returns the path of keys to the generator's state dict, or None if there is none.

    Everything that is saved as HeyGem saves it is HeyGem's: `check_variant` tells its networks
    apart.
    """
    if structure.kind == "onnx":
        return None
    if structure.state(_GENERATOR):
        return (_GENERATOR,)
    state = structure.state()
    return () if all(sign in state for sign in _SIGNS) else None


def check_variant(checkpoint: Checkpoint) -> None:
    """Checks that a file, as far as it says so, holds the network that is known.

    Raises:
        InputError: If it is another one.
    """
    entries = checkpoint.structure.entries
    name = entries.get(("model_name",), _MODEL_NAME)
    if name != _MODEL_NAME:
        raise InputError(
            f"{checkpoint.path} holds HeyGem's network {name!r}, of which only {_MODEL_NAME} is "
            "supported; name its file, such as dinet_v1_20240131.pth."
        )
    size = entries.get(("model_input_size",), SIDE)
    if size not in (SIDE, [SIDE, SIDE]):
        raise InputError(
            f"{checkpoint.path} is made for pictures of {size}, and only {SIDE}x{SIDE} is "
            "supported; name the file of the original network."
        )
