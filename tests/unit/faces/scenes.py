"""Small pictures, crops and renders for the tests of faces."""

import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.compositor import Geometry
from orchestrator.faces.crop import Plane, Planes
from orchestrator.faces.geometry import Affine

GRID = 64
SIZE = 256

MATRICES = ("bt601", "bt709", "bt2020")
STEPS = ((2, 2), (2, 1), (1, 1))
"""Luma pixels per chroma sample, x then y: 4:2:0, 4:2:2 and 4:4:4."""
OFFSETS = ((0.0, 0.5), (0.5, 0.5), (0.0, 0.0), (0.5, 1.0))
"""Where the first chroma sample of 4:2:0 sits: left, centre, top left, bottom."""


def noise_planes(
    width: int = 320,
    height: int = 240,
    seed: int = 0,
    *,
    bits: int = 8,
    step: tuple[int, int] = (2, 2),
) -> Planes:
    """A picture in which every pixel differs from its neighbours, within limited range."""
    rng = np.random.default_rng(seed)
    low, high = 16 << (bits - 8), 236 << (bits - 8)

    def plane(columns: int, rows: int) -> Plane:
        codes = rng.integers(low, high, (rows, columns))
        return codes.astype(np.uint8) if bits == 8 else codes.astype(np.uint16)

    coarse = (width // step[0], height // step[1])
    return plane(width, height), plane(*coarse), plane(*coarse)


def copied(planes: Planes) -> Planes:
    y, u, v = planes
    return y.copy(), u.copy(), v.copy()


def square(x0: float, y0: float, side: float, turn_degrees: float = 0) -> Affine:
    """A crop whose top left pixel is (x0, y0), turned about its centre."""
    angle = np.deg2rad(turn_degrees)
    linear = side * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([x0, y0]) + side / 2 - 0.5
    return np.column_stack((linear, centre - linear @ (0.5, 0.5)))


def box_weights(low: float, high: float) -> NDArray[np.uint8]:
    """Opaque between two fractions of the crop in both directions, [S,S,1]."""
    weights = np.zeros((SIZE, SIZE, 1), np.uint8)
    inside = slice(round(low * SIZE), round(high * SIZE))
    weights[inside, inside] = 255
    return weights


def layer(weights: NDArray[np.uint8], dx: float = 0, dy: float = 0, source: int = 0) -> Geometry:
    """One layer that looks (dx, dy) of the crop side away everywhere."""
    flow = np.zeros((1, GRID, GRID, 2), np.float32)
    flow[...] = dx, dy
    return Geometry(flow, weights[None], np.array([source], np.int32))


def solid_interior(weights: NDArray[np.uint8], rgb: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Premultiplied paint of one colour where the weights are opaque."""
    colours = np.where(weights > 0, np.array(rgb, np.uint8), np.uint8(0))
    return np.concatenate((colours, weights), axis=-1).astype(np.uint8)


def face_mesh(
    *,
    centre: tuple[float, float] = (160, 120),
    width: float = 80,
    opening: float = 0.0,
    turn_degrees: float = 0,
    yaw: float = 0.0,
) -> NDArray[np.float32]:
    """A schematic mesh [468,2]: the vertices that geometry reads are where a face has them."""
    rng = np.random.default_rng(7)
    mesh = rng.uniform(-0.3, 0.3, (468, 2))
    placed = {
        33: (-0.3, -0.1), 133: (-0.12, -0.1), 362: (0.12, -0.1), 263: (0.3, -0.1),
        61: (-0.16, 0.3), 291: (0.16, 0.3), 78: (-0.14, 0.3), 308: (0.14, 0.3),
        13: (0, 0.3 - 0.14 * opening), 14: (0, 0.3 + 0.14 * opening),
        1: (yaw, 0.1), 234: (-0.5, 0), 454: (0.5, 0), 10: (0, -0.6), 152: (0, 0.6),
    }  # fmt: skip
    for vertex, place in placed.items():
        mesh[vertex] = place
    angle = np.deg2rad(turn_degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(mesh @ turn.T * width + centre, np.float32)
