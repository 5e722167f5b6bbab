"""One picture as a PNG or JPEG, complete or not there at all."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from client.errors import OutputError
from orchestrator.media.pictures import Interrupted
from orchestrator.media.pixels import Planes
from orchestrator.media.unfinished import start_file
from orchestrator.media.writer import target_of, unwritten

SUFFIXES = (".png", ".jpg", ".jpeg")


def is_still(path: Path) -> bool:
    """Whether a file is such a picture, by its name."""
    return path.suffix.lower() in SUFFIXES


class Still:
    """Keeps the last picture that it is given, and writes it when it is told to finish."""

    def __init__(self, output: Path, to_rgb: Callable[[Planes], NDArray[np.uint8]]) -> None:
        """Writes nothing yet.

        Args:
            output: A file that ends in one of `SUFFIXES`.
            to_rgb: Makes full-range RGB [H,W,3] of planes.
        """
        self._output = target_of(output)
        self._suffix = output.suffix.lower()
        self._to_rgb = to_rgb
        self._planes: Planes | None = None

    def write(self, planes: Planes) -> None:
        """Takes a picture, in the place of the one before."""
        self._planes = planes

    def finish(self, interrupted: Interrupted = lambda: False) -> None:
        """Encodes the picture and puts the file in place, atomically.

        Args:
            interrupted: Whether nobody wants the file any more; it is then not put in place.

        Raises:
            OutputError: If there is no picture, or the disk does not take it.
        """
        if self._planes is None:
            raise OutputError(f"{self._output} would be empty: the video gave no picture.")
        _, encoded = cv2.imencode(self._suffix, self._to_rgb(self._planes)[..., ::-1])
        file = start_file(self._output.parent)
        try:
            file.path.write_bytes(encoded.tobytes())
            if not interrupted():
                file.put(self._output)
        except OSError as error:
            raise unwritten(self._output, error) from error
        finally:
            file.discard()
