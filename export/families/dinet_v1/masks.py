"""What the generator sees of a face, which HeyGem saves beside the weights."""

import numpy as np
from numpy.typing import NDArray

from client.errors import InputError
from export.checkpoint import Checkpoint
from export.families.dinet_v1.sizes import SIDE

Mask = NDArray[np.float32]

_CODES = 255

# The rectangle of the published checkpoint; ends are exclusive.
_ROWS = slice(86, 252)
_COLUMNS = slice(37, 218)


def around_mouth() -> Mask:
    """1 around the mouth and 0 in it, [256, 256]: the published checkpoint's."""
    mask = np.ones((SIDE, SIDE), np.float32)
    mask[_ROWS, _COLUMNS] = 0
    return mask


def read_mask(checkpoint: Checkpoint, name: str, default: Mask) -> Mask:
    """Reads one of the masks.

    Args:
        checkpoint: The file.
        name: Its key.
        default: What is taken if the file has none.

    Returns:
        float32 [256, 256] in 0..1, saved as that or as 0..255.

    Raises:
        InputError: If it is of another shape, or holds other numbers.
    """
    if checkpoint.structure.entries.get((name,)) is None:
        return default
    mask = np.squeeze(np.asarray(checkpoint.value(name)))
    if mask.shape != (SIDE, SIDE) or mask.dtype.kind not in "biuf":
        raise InputError(
            f"The {name} of {checkpoint.path} is {mask.dtype} {list(mask.shape)}, and numbers "
            f"[{SIDE}, {SIDE}] are wanted; give the file as it was published."
        )
    if not (mask.min() >= 0 and mask.max() <= _CODES):
        raise InputError(
            f"The {name} of {checkpoint.path} has numbers outside of 0..1 and of 0..{_CODES}; give "
            "the file as it was published."
        )
    return (mask / (_CODES if mask.max() > 1 else 1)).astype(np.float32)
