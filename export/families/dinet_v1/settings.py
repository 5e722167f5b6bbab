"""What a checkpoint of HeyGem's generator may not tell of itself."""

from client.errors import InputError
from export.checkpoint import Checkpoint
from export.settings import FamilySettings

_WH = 0.97  # of the published checkpoint


class Settings(FamilySettings):
    """The `--config` of HeyGem's generator.

    Attributes:
        wh: Width over height of a face that cannot be measured; else what the file says.
    """

    wh: float | None = None

    def wh_of(self, checkpoint: Checkpoint) -> float:
        """Returns the proportion.

        Raises:
            InputError: If it is no number above zero.
        """
        value: object = self.wh
        if value is None and checkpoint.structure.entries.get(("wh",)) is not None:
            value = checkpoint.value("wh")
        if value is None:
            return _WH
        if not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise InputError(
                f"The wh of {checkpoint.path} is {value!r}, and the width of faces over their "
                f"height is wanted: write wh: {_WH} into the file of --config."
            )
        return float(value)
