"""A real face and a spoken vowel: the inputs that the committed model is checked with."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import skimage.data
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]

PORTRAIT_BOX = (222.0, 115.0, 170.0)  # centre x, y and side of the face in the astronaut portrait
LANDMARK_SIDE = 192
CROP_SIDE = 256
VOWEL, NASAL = 21, 2  # feature columns of "a" and "m"
VOICING, ENERGY, OPENING, CLOSURE = 28, 29, 30, 33


def golden_inputs(repository: Path) -> dict[str, Array]:
    """Returns inputs of batch 1: a portrait that says "a" after "m".

    The portrait is the public-domain astronaut of scikit-image, and its own open mouth is the only
    reference; the other three are blank.
    """
    portrait = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    mesh = _mesh(repository / "face_landmarks" / "1" / "model.onnx", portrait)
    affine = _face_affine(mesh)
    crop = _crop(portrait, affine, CROP_SIDE)
    local = ((mesh - affine[:, 2]) @ np.linalg.inv(affine[:, :2]).T).astype(np.float32)
    references = np.zeros((1, 4, CROP_SIDE, CROP_SIDE, 3), np.uint8)
    references[0, 0] = crop
    meshes = np.zeros((1, 4, 468, 2), np.float32)
    meshes[0, 0] = local
    return {
        "face": crop[None],
        "features": _vowel_after_nasal(),
        "reference": references,
        "mesh": local[None],
        "reference_mesh": meshes,
    }


def run_onnx(model: Path, inputs: dict[str, Array]) -> dict[str, Array]:
    """Runs a model on one thread and returns its outputs by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def _vowel_after_nasal() -> NDArray[np.float32]:
    features = np.zeros((1, 64, 17), np.float32)
    features[:, VOICING], features[:, ENERGY] = 1.0, 0.8
    features[:, NASAL, :6] = features[:, CLOSURE, :6] = 1.0
    features[:, VOWEL, 6:], features[:, OPENING, 6:] = 1.0, 0.8
    return features


def _mesh(model: Path, picture: NDArray[np.uint8]) -> Floats:
    x, y, side = PORTRAIT_BOX
    affine = np.array([[side, 0, x - side / 2], [0, side, y - side / 2]])
    face = _crop(picture, affine, LANDMARK_SIDE)[None]
    points = run_onnx(model, {"face": face})["mesh"][0].astype(np.float64)
    return np.asarray(points @ affine[:, :2].T + affine[:, 2])


def _face_affine(mesh: Floats) -> Floats:
    """The crop "eyes-mouth-v1": upright eyes, wide enough for eyes and chin."""
    left, right = mesh[[33, 133]].mean(0), mesh[[362, 263]].mean(0)
    eyes, mouth = (left + right) / 2, mesh[[61, 291]].mean(0)
    between = right - left
    side = max(2.6 * np.linalg.norm(between), 2.7 * np.linalg.norm(mouth - eyes))
    cos, sin = between / np.linalg.norm(between)
    axes = np.array([[cos, -sin], [sin, cos]]) * side
    centre = eyes + np.array([-sin, cos]) * 0.26 * side
    return np.column_stack([axes, centre - axes @ [0.5, 0.5]])


def _crop(picture: NDArray[np.uint8], affine: Floats, side: int) -> NDArray[np.uint8]:
    to_pixels = np.column_stack(
        [affine[:, :2] / side, affine[:, 2] + affine[:, :2] @ [0.5 / side, 0.5 / side]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (side, side)
    crop = cv2.warpAffine(picture, to_pixels, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)
