"""Which family a checkpoint is of."""

from pathlib import Path

from client.errors import InputError
from export.checkpoint import Checkpoint
from export.families import families
from export.family import Family
from export.structure import MAX_BYTES


def identify(path: Path, max_bytes: int = MAX_BYTES) -> Family:
    """Returns the family that a file is of.

    Raises:
        InputError: If it cannot be read, or is of none.
    """
    checkpoint = Checkpoint.open(path, max_bytes)
    return _recognised(checkpoint)


def _recognised(checkpoint: Checkpoint) -> Family:
    structure = checkpoint.structure
    found = next((f for f in families() if f.recognises(structure)), None)
    if found is None:
        raise InputError(
            f"{checkpoint.path} is of no family that is known here; what it holds begins with "
            f"{', '.join(structure.keys()) or 'nothing'}."
        )
    return found


def check_family(family: Family, checkpoint: Checkpoint) -> None:
    """Checks that a file is one of a family.

    Raises:
        InputError: If it is of another one, which is named, or of none.
    """
    if family.recognises(checkpoint.structure):
        return
    other = _recognised(checkpoint)
    raise InputError(
        f"{checkpoint.path} is {other.title}, not {family.title}: export it with "
        f"`python -m export {other.name} --checkpoint {checkpoint.path}`."
    )
