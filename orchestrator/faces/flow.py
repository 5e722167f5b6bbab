"""From a coarse field to the positions that native pixels are sampled at."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.geometry import Affine, Region, inverse, side_px, texture_matrix

Map: TypeAlias = NDArray[np.float32]

_CELLS_PER_NODE = 4  # the field is smooth: finer placement of a flow node shows no difference


def sample_positions(
    flow: NDArray[np.float32], target: Affine, source: Affine, region: Region
) -> tuple[Map, Map]:
    """Where in the source each pixel of a region of the target looks.

    Args:
        flow: float32 [G,G,2], backward, in fractions of the crop side.
        target: The crop, in indices of the plane that is painted.
        source: The crop, in indices of the plane that is sampled.
        region: Pixels of the target.

    Returns:
        Columns and rows in the source, float32 [h,w] each.
    """
    step = max(int(side_px(target) / len(flow) / _CELLS_PER_NODE), 1)
    columns, rows = cells(region.x0, region.x1, step), cells(region.y0, region.y1, step)
    to_flow = texture_matrix(target, len(flow))
    to_flow[:, 2] += to_flow[:, :2] @ (columns[0], rows[0])
    to_flow[:, :2] *= step
    across = _between(target, source)
    displacement = cv2.split(flow @ source[:, :2].T.astype(np.float32))
    maps = []
    for channel, (by_column, by_row, start) in zip(displacement, across, strict=True):
        coarse = _placed(np.asarray(channel, np.float32), to_flow, len(columns), len(rows))
        coarse += (start + by_column * columns).astype(np.float32)
        coarse += (by_row * rows).astype(np.float32)[:, None]
        maps.append(from_cells(coarse, step, region))
    return maps[0], maps[1]


def cells(start: int, stop: int, step: int) -> NDArray[np.float64]:
    """Centres of cells of `step` pixels over start..stop, and of one more on each side."""
    count = -(-(stop - start) // step)
    return start + step * (np.arange(-1, count + 1, dtype=np.float64) + 0.5) - 0.5


def from_cells(coarse: Map, step: int, region: Region) -> Map:
    """From cells to pixels of the region; the outer cells only serve interpolation."""
    fine = cv2.resize(coarse, None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    height, width = region.y1 - region.y0, region.x1 - region.x0
    return np.asarray(fine, np.float32)[step : step + height, step : step + width]


def _between(target: Affine, source: Affine) -> Affine:
    """The 2x3 matrix from target indices to the source indices of the same crop point."""
    linear = source[:, :2] @ inverse(target[:, :2])
    return np.column_stack((linear, source[:, 2] - linear @ target[:, 2]))


def _placed(channel: Map, matrix: NDArray[np.float64], width: int, height: int) -> Map:
    placed = cv2.warpAffine(
        channel,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(placed, np.float32)
