"""Writing both models with their golden files and manifests into a model repository."""

import logging
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import skimage.data
from numpy.typing import NDArray

from export.builtin.mediapipe import face_detection, face_landmarks, wheel
from export.repository import write_golden, write_manifest

Picture = NDArray[np.uint8]

_VERSION = "1"
_RECIPE = "python -m export.builtin.mediapipe --repository model_repository"
_LICENCE = "Apache-2.0"
# Room for reduced-precision arithmetic of an accelerator; pixels and fractions of the crop.
_DETECTION_TOLERANCE = {"detections": 0.1}
_LANDMARK_TOLERANCE = {"landmarks": 1e-3, "presence": 1e-3, "mesh": 1e-3}
_CROP = {"kind": "square-1.5", "scale": 1.5, "size": face_landmarks.SIZE}

# NASA's portrait of Eileen Collins, [512,512,3], public domain.
_astronaut: Callable[[], Picture] = skimage.data.astronaut

_logger = logging.getLogger(__name__)


def publish(repository: Path, wheel_path: Path) -> None:
    """Converts, checks and writes version 1 of `face_detection` and `face_landmarks`.

    Args:
        repository: Folder that holds both model folders with their `config.pbtxt`.
        wheel_path: The pinned MediaPipe wheel.

    Raises:
        InputError: If the wheel is not the pinned one.
    """
    _publish(
        repository / "face_detection" / _VERSION,
        face_detection.build_face_detection(wheel.read_tflite(wheel_path, wheel.DETECTION_FILE)),
        portrait_picture(),
        wheel.DETECTION_FILE,
        _DETECTION_TOLERANCE,
        crop=None,
    )
    _publish(
        repository / "face_landmarks" / _VERSION,
        face_landmarks.build_face_landmarks(wheel.read_tflite(wheel_path, wheel.LANDMARK_FILE)),
        portrait_face(),
        wheel.LANDMARK_FILE,
        _LANDMARK_TOLERANCE,
        crop=_CROP,
    )


def portrait_picture() -> Picture:
    """Returns the astronaut's portrait as the detector sees it, [192,192,3]."""
    return _resized(_astronaut(), face_detection.SIZE)


def portrait_face() -> Picture:
    """Returns the portrait's face, 1.5 times its detected box, upright, [192,192,3]."""
    return _resized(_astronaut()[39:199, 145:305], face_landmarks.SIZE)


def _resized(picture: Picture, size: int) -> Picture:
    shrinking = picture.shape[0] > size
    method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return cv2.resize(picture, (size, size), interpolation=method).astype(np.uint8)


def _publish(
    folder: Path,
    model: onnx.ModelProto,
    portrait: Picture,
    member: str,
    tolerance: dict[str, float],
    crop: dict[str, object] | None,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    # A face and an empty picture: what is there is found, what is not there is not.
    inputs = {session.get_inputs()[0].name: np.stack([portrait, np.zeros_like(portrait)])}
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, inputs), strict=True))
    golden = write_golden(folder, inputs, outputs, tolerance)
    source = f"{wheel.REQUIREMENT}: {member} (sha256 {wheel.TFLITE_SHA256[member]})"
    write_manifest(
        folder, source=source, licence=_LICENCE, recipe=_RECIPE, golden=golden, crop=crop
    )
    _logger.info("wrote %s", path)
