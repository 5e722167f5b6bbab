"""The old design's renderer: the model inside the consumer's own process."""

from __future__ import annotations

import time
from typing import Final, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from benchmarks.replay.fault import Fault
from benchmarks.replay.repository import ONNX

Picture: TypeAlias = NDArray[np.uint8]

FACE: Final = (slice(120, 376), slice(318, 574))  # rows and columns of the sample's face
REFERENCES: Final = 4
FEATURES: Final = (64, 17)


class Renderer:
    """Loads the model when it is made, and renders batches of pictures.

    Args:
        fault: Stands before every batch.
        load_s: How much longer than usual loading takes.
    """

    def __init__(self, fault: Fault, load_s: float) -> None:
        time.sleep(load_s)
        self._fault = fault
        self._session = ort.InferenceSession(ONNX, providers=["CPUExecutionProvider"])
        with np.load(ONNX.with_name("golden.npz")) as golden:
            self._meshes = {name: golden[f"input_{name}"] for name in ("mesh", "reference_mesh")}

    def render(self, pictures: list[Picture], features: list[NDArray[np.float32]]) -> list[Picture]:
        """Returns the pictures [H,W,3] with a mouth for each row of features [D,W]."""
        self._fault.meet(len(pictures))
        crops = np.stack([picture[FACE] for picture in pictures])
        count = len(crops)
        inputs = {
            "face": crops,
            "features": np.stack(features),
            "reference": np.repeat(crops[:, None], REFERENCES, axis=1),
            **{name: np.repeat(mesh, count, axis=0) for name, mesh in self._meshes.items()},
        }
        (interiors,) = self._session.run(["interior"], inputs)
        return [pasted(*pair) for pair in zip(pictures, interiors, strict=True)]


def pasted(picture: Picture, interior: Picture) -> Picture:
    """Returns the picture with a premultiplied RGBA [S,S,4] over its face."""
    rest = (255 - interior[..., 3:]).astype(np.uint16)
    result = picture.copy()
    result[FACE] = (picture[FACE] * rest // 255 + interior[..., :3]).clip(0, 255)
    return result
