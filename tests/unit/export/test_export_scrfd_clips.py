"""SCRFD finds the faces of real clips where the built-in detector finds them."""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from export.checkpoint import Checkpoint
from export.families.scrfd.build import build
from export.family import Build
from export.onnx_network import session
from tests.unit.export.golden_wenet import GOLDEN

SHARED = GOLDEN.parent
REAL = SHARED / "weights" / "scrfd_2.5g_kps.onnx"
CLIPS = ("v01", "v02", "v06")
BUILT_IN = Path(__file__).parents[3] / "model_repository" / "face_detection" / "1" / "model.onnx"
OURS_PX, BUILT_IN_PX = 640, 192
EVERY = 10

pytestmark = [
    pytest.mark.skipif(not REAL.exists(), reason="no detector of InsightFace at hand"),
    pytest.mark.skipif(not (SHARED / "media").is_dir(), reason="no real clips at hand"),
]

Floats = NDArray[Any]
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def detector() -> Build:
    return build(Checkpoint.open(REAL), {})


@cache
def built_in() -> Any:
    return session(BUILT_IN)


def frames(clip: str) -> Iterator[Pixels]:
    """Every tenth frame, uint8 [H,W,3] RGB."""
    path = next((SHARED / "media").glob(f"{clip}_*"))
    with av.open(path) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index % EVERY == 0:
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def letterboxed(frame: Pixels, side: int) -> Pixels:
    """The whole frame in the middle of a black square."""
    height, width = frame.shape[:2]
    scale = side / max(height, width)
    small = cv2.resize(
        frame, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA
    )
    square = np.zeros((side, side, 3), np.uint8)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return square


def detect(detector: Build, images: Pixels) -> Floats:
    return np.asarray(detector.served.run({"image": images})["detections"], np.float32)


def best(detections: Floats, side: int) -> Floats | None:
    """The first face in sides of the square; None if there is none."""
    return detections[0] / side if detections[0, 4] > 0 else None


def pairs(detector: Build, clip: str) -> list[tuple[Floats | None, Floats | None]]:
    found = []
    for frame in frames(clip):
        ours = detect(detector, letterboxed(frame, OURS_PX)[None])[0]
        theirs = built_in().run(None, {"image": letterboxed(frame, BUILT_IN_PX)[None]})[0][0]
        found.append((best(ours, OURS_PX), best(theirs, BUILT_IN_PX)))
    return found


def overlap(a: Floats, b: Floats) -> float:
    size = np.minimum(a[2:4], b[2:4]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.maximum(size, 0)))
    return both / float(np.prod(a[2:4] - a[:2]) + np.prod(b[2:4] - b[:2]) - both)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("clip", CLIPS)
def test_both_detectors_see_the_same_face(detector: Build, clip: str) -> None:
    found = pairs(detector, clip)
    with_face = [(ours, theirs) for ours, theirs in found if theirs is not None]
    assert len(with_face) >= 0.9 * len(found) > 10
    same = [o is not None and overlap(o, t) >= 0.6 for o, t in with_face]
    assert np.mean(same) >= 0.95
    for ours, theirs in with_face:
        if ours is not None:
            eyes = np.linalg.norm(theirs[7:9] - theirs[5:7])
            apart = np.linalg.norm((ours[5:] - theirs[5:]).reshape(5, 2), axis=1)
            assert apart.max() < 0.35 * eyes, "the five points are in the same order"


@pytest.mark.timeout(60)
def test_eight_frames_at_once_are_eight_frames(detector: Build) -> None:
    images = np.stack([letterboxed(frame, OURS_PX) for frame in islice(frames("v06"), 8)])
    together = detect(detector, images)
    alone = np.concatenate([detect(detector, image[None]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-2)
    assert (together[:, 0, 4] > 0.5).all()
