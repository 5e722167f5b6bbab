"""Face meshes of single pictures with the committed face models, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from client.errors import InputError

SIZE: Final = 192
"""Side of the pictures that both face models take."""
MARGIN: Final = 1.5
"""Side of the landmark crop over the longer side of the face."""
MIN_SCORE: Final = 0.5
MIN_PRESENCE: Final = 0.5
RIGHT_EYE_CORNER: Final = 33
LEFT_EYE_CORNER: Final = 263

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


def square(centre: Floats, side: float, angle: float) -> Floats:
    """Return the 2x3 affine from a turned square's own 0..1 coordinates to pixel indices."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * side
    return np.column_stack([turn, centre - turn @ [0.5, 0.5]])


def whole(image: Image) -> Floats:
    """Return the affine of the smallest upright square around the whole picture."""
    height, width = image.shape[:2]
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    return square(centre, float(max(height, width)), 0.0)


def apply(affine: Floats, points: Floats) -> Floats:
    """Map points [N,2] from 0..1 of a crop to pixel indices."""
    return points @ affine[:, :2].T + affine[:, 2]


def crop(image: Image, affine: Floats) -> Image:
    """Return the crop [192,192,3]; what lies outside the picture is black."""
    factor = max(1, int(np.hypot(affine[0, 0], affine[1, 0]) / SIZE))
    small = cv2.resize(image, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    scale = np.array([small.shape[1] / image.shape[1], small.shape[0] / image.shape[0]])
    matrix = affine / [[SIZE, SIZE, 1]]
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] + 0.5
    matrix = matrix * scale[:, None]
    matrix[:, 2] -= 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(small, matrix, (SIZE, SIZE), flags=flags), np.uint8)


def around_detection(detection: Floats) -> Floats:
    """Return the landmark crop of a detection [15] in pixel indices: level eyes, box and margin."""
    left, top, right, bottom = detection[:4]
    eyes = detection[7:9] - detection[5:7]
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    return square(centre, MARGIN * max(right - left, bottom - top), float(np.arctan2(*eyes[::-1])))


def around_mesh(mesh: Floats) -> Floats:
    """Return the landmark crop of a mesh [468,2] in pixel indices: level eyes, box and margin."""
    eyes = mesh[LEFT_EYE_CORNER] - mesh[RIGHT_EYE_CORNER]
    angle = float(np.arctan2(eyes[1], eyes[0]))
    turn = square(np.zeros(2), 1.0, angle)[:, :2]
    low, high = (mesh @ turn).min(0), (mesh @ turn).max(0)
    return square(turn @ ((low + high) / 2), MARGIN * float((high - low).max()), angle)


class FaceMesher:
    """Finds the largest face of a picture and its mesh; every picture stands alone."""

    def __init__(self, models: Path) -> None:
        """Load both models from a model repository.

        Raises:
            InputError: A model is missing.
        """
        self._detector = session(models / "face_detection" / "1" / "model.onnx")
        self._landmarker = session(models / "face_landmarks" / "1" / "model.onnx")

    def mesh(self, image: Image) -> Floats | None:
        """Return the mesh [468,2] in pixel indices of an RGB picture, or None without a face."""
        detection = self._largest(image)
        if detection is None:
            return None
        rough = self._landmarks(image, around_detection(detection))
        return None if rough is None else self._landmarks(image, around_mesh(rough))

    def _largest(self, image: Image) -> Floats | None:
        affine = whole(image)
        (found,) = self._detector.run(["detections"], {"image": crop(image, affine)[None]})
        faces = np.asarray(found[0], np.float64)
        faces = faces[faces[:, 4] >= MIN_SCORE]
        if not len(faces):
            return None
        face = faces[np.argmax((faces[:, 2] - faces[:, 0]) * (faces[:, 3] - faces[:, 1]))]
        points = np.delete(face, 4).reshape(-1, 2) / SIZE
        return np.insert(apply(affine, points).ravel(), 4, face[4])

    def _landmarks(self, image: Image, affine: Floats) -> Floats | None:
        feed = {"face": crop(image, affine)[None]}
        presence, mesh = self._landmarker.run(["presence", "mesh"], feed)
        if presence[0, 0] < MIN_PRESENCE:
            return None
        return apply(affine, np.asarray(mesh[0], np.float64))


def session(path: Path) -> ort.InferenceSession:
    """Load a model on one thread.

    Raises:
        InputError: It is missing.
    """
    if not path.is_file():
        raise InputError(f"Model {path} is missing; name the model repository with --models.")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
