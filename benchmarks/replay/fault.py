"""What a replay puts before a renderer's batches, the same code in both designs.

Standard library only: the server's Python runs a copy of it beside the model.
"""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

AWHILE_S = 3600.0


@dataclass(frozen=True)
class Order:
    """A fault, as a file tells it for as long as it lasts.

    Attributes:
        batch_s: Seconds that every batch takes longer.
        hang_at: The frame, counted from 1, whose batch never ends; 0 for none.
    """

    batch_s: float = 0.0
    hang_at: int = 0

    @classmethod
    def read(cls, file: Path) -> "Order":
        """Reads what is ordered now; nothing where there is no file."""
        with suppress(FileNotFoundError):
            return cls(**json.loads(file.read_text(encoding="utf-8")))
        return cls()

    def write(self, file: Path) -> None:
        """Orders this."""
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")


class Fault:
    """Stands before the batches of one renderer.

    Args:
        file: Holds the order. It is gone once a batch hangs: a fault does not come twice.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._frames = 0

    def meet(self, frames: int) -> None:
        """Lets a batch wait, or never end.

        Args:
            frames: How many frames of a job are in it; a server's own proofs are none.
        """
        order = Order.read(self._file)
        self._frames += frames
        if frames and 0 < order.hang_at <= self._frames:
            self._file.unlink(missing_ok=True)
            hang()
        time.sleep(order.batch_s)


def hang() -> NoReturn:
    """Never returns."""
    while True:
        time.sleep(AWHILE_S)
