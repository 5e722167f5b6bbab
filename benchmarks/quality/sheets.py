"""What the mouth looks like in each kind of sound, as one picture to be judged by eye."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.mouth import CLASSES
from benchmarks.quality.shots import Shot
from client.errors import OutputError
from orchestrator.faces.colour import Colour
from orchestrator.faces.crop import Planes, crop_rgb

Picture = NDArray[np.uint8]
Features = NDArray[np.float32]

CROP_SIDE: Final = 640
LOWER_FACE: Final = (slice(270, 600), slice(130, 510))  # of such a crop
OPENING, ROUNDING, CLOSURE = 30, 32, 33


def _share(*names: str) -> Callable[[Features], float]:
    columns = [CLASSES.index(name) for name in names]
    return lambda features: float(features[columns].sum())


MOMENTS: Final[Mapping[str, Callable[[Features], float]]] = {
    "rest": lambda f: float(f[0] - f[OPENING]),
    "m b p": lambda f: float(f[CLOSURE]),
    "f v": _share("FV"),
    "th l": _share("TH", "L"),
    "s t n": _share("SZ", "TD", "N"),
    "open": lambda f: float(f[OPENING] * (1 - f[ROUNDING])),
    "e": _share("E", "e", "ae"),
    "i": _share("i", "I"),
    "o": lambda f: float(f[ROUNDING] * (0.3 + f[OPENING])),
    "w u sh": lambda f: float(f[ROUNDING] * (1 - f[OPENING])),
}


@dataclass(frozen=True)
class Moment:
    """The frame that shows a kind of sound best so far."""

    likeness: float
    position: int
    rows: Mapping[str, Picture]


class Gallery:
    """Keeps the clearest frame of each kind of sound."""

    def __init__(self, colour: Colour) -> None:
        self._colour = colour
        self._best: dict[str, Moment] = {}

    def add(self, shot: Shot) -> None:
        """Takes the next frame."""
        for name, rate in MOMENTS.items():
            likeness = rate(shot.features)
            if name not in self._best or likeness > self._best[name].likeness:
                self._best[name] = Moment(likeness, shot.position, self._rows(shot))

    def save(self, path: Path) -> None:
        """Writes a PNG: a row for the source and every version, a column for every sound.

        Raises:
            OutputError: If it cannot be written.
        """
        columns = [_column(name, self._best[name]) for name in MOMENTS]
        half = len(columns) // 2
        rows = [np.concatenate(part, axis=1) for part in (columns[:half], columns[half:])]
        sheet = cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)
        if not cv2.imwrite(str(path), sheet):
            raise OutputError(f"{path} cannot be written: choose another folder.")

    def _rows(self, shot: Shot) -> dict[str, Picture]:
        shown: dict[str, Planes] = {"source": shot.source}
        shown |= {name: result.planes for name, result in shot.results.items()}
        return {
            name: crop_rgb(planes, self._colour, shot.affine, CROP_SIDE)[LOWER_FACE]
            for name, planes in shown.items()
        }


def _column(sound: str, moment: Moment) -> Picture:
    tiles = [
        _titled(tile, f"{sound}, frame {moment.position}" if name == "source" else name)
        for name, tile in moment.rows.items()
    ]
    return np.concatenate(tiles)


def _titled(tile: Picture, title: str) -> Picture:
    drawn = np.ascontiguousarray(tile)
    for colour, thickness in ((0, 3), (255, 1)):
        cv2.putText(
            drawn,
            title,
            (8, 22),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.6,
            (colour,) * 3,
            thickness,
            cv2.LINE_AA,
        )
    return drawn
