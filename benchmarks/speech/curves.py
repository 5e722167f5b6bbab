"""Draws how the mouth moves in the ten seconds of a test that went worst."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.speech.encoder import Floats
from benchmarks.speech.scores import OPENING, opening_of, right_groups
from export.builtin.wenet.phones import LIPS_SHUT, PHONES, SILENCE

SECONDS: Final = 10
FEATURES: Final = SECONDS * 25
STEP, HEIGHT, MARGIN, TITLE = 6, 170, 30, 26
COLOURS: Final = ((200, 120, 0), (40, 40, 220), (60, 160, 40))
GREY, PINK, BLACK = (225, 225, 225), (215, 190, 255), (40, 40, 40)

Picture = NDArray[np.uint8]


def worst_start(features: Floats, labels: Floats) -> int:
    """Finds where the ten seconds with the fewest right groups begin."""
    right = right_groups(features, labels).astype(np.float32)
    if len(right) <= FEATURES:
        return 0
    return int(np.convolve(right, np.ones(FEATURES), "valid").argmin())


def draw(name: str, tracks: Mapping[str, Floats], labels: Floats) -> Picture:
    """Draws the opening of the labels (filled) and of every encoder (lines).

    Where m, b or p is said the ground is pink. The worst ten seconds are those of the last
    encoder.

    Args:
        name: What the test is called.
        tracks: Features [T, 64] of every encoder.
        labels: Phone shares [T, 28].
    """
    first = worst_start(list(tracks.values())[-1], labels)
    part = slice(first, first + FEATURES)
    picture: Picture = np.full((HEIGHT + MARGIN + TITLE, FEATURES * STEP, 3), 255, np.uint8)
    _fill(picture, labels[part])
    for colour, features in zip(COLOURS, tracks.values(), strict=False):
        points = _points(features[part, OPENING])
        cv2.polylines(picture, [points], False, colour, 2, cv2.LINE_AA)
    _write(picture, f"{name}, from {first / 25:.1f} s", (6, 18), BLACK)
    for index, (colour, label) in enumerate(zip(COLOURS, tracks, strict=False)):
        _write(picture, label, (500 + index * 300, 18), colour)
    _spell(picture, labels[part])
    return picture


def _fill(picture: Picture, labels: Floats) -> None:
    shut = labels[:, sorted(LIPS_SHUT)].sum(axis=1)
    for index, (opening, closure) in enumerate(zip(opening_of(labels), shut, strict=True)):
        left, right = index * STEP, (index + 1) * STEP
        if closure > 0.5:
            picture[TITLE : TITLE + HEIGHT, left:right] = PINK
        top = TITLE + round(HEIGHT * (1 - float(opening)))
        picture[top : TITLE + HEIGHT, left:right] = GREY


def _points(opening: Floats) -> NDArray[np.int32]:
    places = (np.arange(len(opening)) + 0.5) * STEP
    heights = TITLE + HEIGHT * (1 - opening)
    return np.stack([places, heights], axis=1).round().astype(np.int32)


def _spell(picture: Picture, labels: Floats) -> None:
    phones = labels.argmax(axis=1)
    for index, phone in enumerate(phones):
        if phone != SILENCE and (index == 0 or phones[index - 1] != phone):
            row = TITLE + HEIGHT + 12 + 12 * (index % 2)
            _write(picture, PHONES[phone], (index * STEP, row), BLACK, 0.32)


def _write(
    picture: Picture,
    text: str,
    place: tuple[int, int],
    colour: tuple[int, int, int],
    scale: float = 0.45,
) -> None:
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)
