"""Milliseconds of one thread to cut a face's crop and to paint its render, by size and format.

    python -m benchmarks.compositor

The render is the golden answer of the built-in renderer, once as geometry and once as a picture.
"""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from orchestrator.faces.colour import Colour
from orchestrator.faces.compositor import Geometry, composite, cut_reference
from orchestrator.faces.crop import Planes, crop_rgb
from orchestrator.faces.geometry import Affine

GOLDEN = Path(__file__).parents[1] / "model_repository/landmark2face/2/golden.npz"
_SIDES_PX = (100, 256, 512, 900)
_FORMATS = {
    "yuv420p": Colour.named("bt709"),
    "yuv422p10le": Colour.named("bt709", bits=10, chroma_step=(2, 1)),
    "yuv444p10le": Colour.named("bt709", bits=10, chroma_step=(1, 1)),
}
_RUNS = 21
_TURN = np.deg2rad(6)


def median_ms(work: Callable[[], object]) -> float:
    """Median processor time of this thread over some runs."""
    seconds = []
    for _ in range(_RUNS):
        start = time.thread_time()
        work()
        seconds.append(time.thread_time() - start)
    return 1000 * float(np.median(seconds))


def picture_of(face: NDArray[np.uint8], colour: Colour, side: int) -> Planes:
    """A frame that shows the face somewhat larger than its crop."""
    width = round(side * 1.4) // 2 * 2
    yuv = colour.to_yuv(np.asarray(cv2.resize(face, (width, width)), np.uint8))
    step_x, step_y = colour.chroma_step
    sample = np.uint8 if colour.bits == 8 else np.uint16
    y, u, v = (np.rint(part).astype(sample) for part in np.moveaxis(yuv, -1, 0))
    return y, u[::step_y, ::step_x].copy(), v[::step_y, ::step_x].copy()


def crop_of(planes: Planes, side: int) -> Affine:
    """A turned crop in the middle of the frame."""
    cos, sin = np.cos(_TURN), np.sin(_TURN)
    linear = side * np.array([[cos, -sin], [sin, cos]])
    return np.column_stack((linear, np.array(planes[0].shape) / 2 - linear @ (0.5, 0.5)))


def measure(golden: dict[str, NDArray[np.generic]], colour: Colour, side: int) -> list[float]:
    """Crop, geometry and picture, in milliseconds."""
    face = np.asarray(golden["input_face"][0], np.uint8)
    moved = Geometry(
        flow=np.asarray(golden["output_flow"][0], np.float32),
        layers=np.asarray(golden["output_layers"][0], np.uint8),
        source=np.asarray(golden["output_source"][0], np.int32),
        interior=np.asarray(golden["output_interior"][0], np.uint8),
    )
    planes = picture_of(face, colour, side)
    affine = crop_of(planes, side)
    references = [cut_reference(planes, affine) for _ in range(4)]
    return [
        median_ms(lambda: crop_rgb(planes, colour, affine, len(face))),
        median_ms(lambda: composite(planes, colour, affine, moved, references)),
        median_ms(lambda: composite(planes, colour, affine, Geometry(generated=face))),
    ]


def main() -> None:
    """Prints the table."""
    cv2.setNumThreads(1)
    with np.load(GOLDEN) as archive:
        golden = {name: archive[name] for name in archive.files}
    print(f"{'format':12} {'side px':>7} {'crop':>7} {'geometry':>9} {'picture':>8}")
    for name, colour in _FORMATS.items():
        for side in _SIDES_PX:
            crop, geometry, picture = measure(golden, colour, side)
            print(f"{name:12} {side:7} {crop:7.2f} {geometry:9.2f} {picture:8.2f}")


if __name__ == "__main__":
    main()
