from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.looks import look_difference, look_of
from tests.unit.faces.people import look

PORTRAIT = Path(__file__).parents[2] / "data" / "portrait.jpg"
PHOTO = np.asarray(cv2.imread(str(PORTRAIT)), np.uint8)[20:220, 120:320]
MESH = np.random.default_rng(5).uniform(0.2, 0.8, (468, 2)).astype(np.float32)


def crop(scale: float = 1.0, tint: tuple[float, float, float] = (1, 1, 1)) -> NDArray[np.uint8]:
    return np.asarray(np.clip(PHOTO * scale * np.array(tint), 0, 255), np.uint8)


def test_a_look_is_the_same_in_another_light() -> None:
    assert look_difference(look_of(crop(), MESH), look_of(crop(0.85), MESH)) < 10


def test_a_look_is_the_same_at_another_size() -> None:
    enlarged = np.asarray(cv2.resize(crop(), (400, 400)), np.uint8)
    assert look_difference(look_of(crop(), MESH), look_of(enlarged, MESH)) < 5


def test_another_complexion_is_another_look() -> None:
    other = look_of(crop(tint=(1.3, 1.0, 0.75)), MESH)
    assert look_difference(look_of(crop(), MESH), other) > 30


def test_looks_are_compared_alike_in_both_directions() -> None:
    assert look_difference(look(1), look(2)) == pytest.approx(look_difference(look(2), look(1)))
    assert look_difference(look(1), look(1)) == 0
