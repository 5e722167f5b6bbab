"""Moving pixels by fractions keeps the grain of the picture, and whole pixels stay as they are."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import composite
from orchestrator.faces.render import Geometry

SIDE = 256
AFFINE = np.array([[SIDE, 0, -0.5], [0, SIDE, -0.5]], np.float64)
INNER = slice(40, SIDE - 40)


def grainy(width_px: float) -> NDArray[np.uint8]:
    """A grey picture with the grain of a camera, whose neighbouring pixels are alike."""
    noise = np.random.default_rng(0).normal(0, 40, (SIDE, SIDE)).astype(np.float32)
    return np.clip(128 + cv2.GaussianBlur(noise, (0, 0), width_px), 0, 255).astype(np.uint8)


def moved(luma: NDArray[np.uint8], by_px: tuple[float, float]) -> NDArray[np.uint8]:
    grey = np.full((SIDE // 2, SIDE // 2), 128, np.uint8)
    planes = luma.copy(), grey.copy(), grey
    flow = np.zeros((1, 64, 64, 2), np.float32) + np.array(by_px, np.float32) / np.float32(SIDE)
    layers = np.zeros((1, SIDE, SIDE, 1), np.uint8)
    layers[:, 20:-20, 20:-20] = 255
    colour = Colour.named("bt709", full_range=True)
    render = Geometry(flow.astype(np.float32), layers, np.zeros(1, np.int32))
    composite(planes, colour, AFFINE, render)
    return planes[0]


def strength(luma: NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(luma[INNER, INNER].astype(np.float32), cv2.CV_32F).var())


@pytest.mark.parametrize("by_px", [(0.25, 0.0), (0.5, 0.0), (0.5, 0.25), (0.5, 0.5)])
def test_grain_keeps_its_strength_between_pixels(by_px: tuple[float, float]) -> None:
    picture = grainy(0.7)

    assert 0.9 <= strength(moved(picture, by_px)) / strength(picture) <= 1.1


def test_a_move_by_whole_pixels_keeps_every_sample() -> None:
    picture = grainy(0.5)

    assert np.array_equal(
        moved(picture, (3.0, 0.0))[INNER, INNER], np.roll(picture, -3, 1)[INNER, INNER]
    )
