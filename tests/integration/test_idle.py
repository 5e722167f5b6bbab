"""A photo that breathes while it speaks, on the real models."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.sync.faces import FaceMesher
from benchmarks.sync.opening import measure
from benchmarks.sync.phonemes import load
from benchmarks.sync.scores import judge
from orchestrator.media.frames import read_frames
from orchestrator.media.info import probe_video

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
EYES = slice(86, 114), slice(182, 270)  # of the portrait; nothing is painted there

pytestmark = pytest.mark.server

Lumas = list[NDArray[np.uint8]]


def lumas_of(path: Path) -> Lumas:
    with av.open(path) as container:
        width, height = (container.streams.video[0].width, container.streams.video[0].height)
        return [
            np.array(frame.to_ndarray()[:height, :width], np.uint8)
            for frame in container.decode(video=0)
        ]


@pytest.fixture(scope="module")
def breathing(triton_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("idle") / "breathing.mp4"
    files = ["--video", DATA / "portrait.jpg", "--audio", DATA / "speech.wav", "--output", output]
    options = ["--url", triton_url, "--idle", "breathe", "--crf", "0", "--preset", "ultrafast"]
    command = [sys.executable, "-m", "orchestrator", "generate", *map(str, files), *options]
    subprocess.run(command, check=True, capture_output=True, timeout=280)
    return output


@pytest.fixture(scope="module")
def moving(breathing: Path) -> Lumas:
    return lumas_of(breathing)


def sharpness(luma: NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(luma[EYES].astype(np.float32), cv2.CV_32F).var())


def shift_px(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How far (x, y) the eyes went between two frames: least squares on their gradients."""
    mean = (before[EYES].astype(np.float64) + after[EYES]) / 2
    change = after[EYES].astype(np.float64) - before[EYES]
    down, across = np.gradient(mean)
    gradients = np.stack((across.ravel(), down.ravel()), axis=-1)
    return np.asarray(-np.linalg.lstsq(gradients, change.ravel(), rcond=None)[0])


def test_it_begins_with_the_photo(moving: Lumas) -> None:
    photo = next(read_frames(probe_video(DATA / "portrait.jpg"))).planes[0]
    assert np.array_equal(moving[0][:110], photo[:110])  # above the mouth
    assert np.array_equal(moving[0][220:], photo[220:])


def test_the_head_moves_a_little_and_smoothly(moving: Lumas) -> None:
    steps = np.array([shift_px(*pair) for pair in pairwise(moving)])
    assert np.abs(steps).max() < 0.1
    way = np.cumsum(steps, axis=0)
    assert 0.3 < np.ptp(way, axis=0).max() < 4
    assert np.abs(np.diff(steps, axis=0)).max() < 0.05


def test_the_eyes_stay_sharp(moving: Lumas) -> None:
    course = np.array([sharpness(luma) for luma in moving]) / sharpness(moving[0])
    assert course.min() > 0.88
    assert np.abs(np.diff(course)).max() < 0.04


def test_borders_and_background_stay(moving: Lumas) -> None:
    for luma in moving:
        assert np.array_equal(luma[[0, -1]], moving[0][[0, -1]])
        assert np.array_equal(luma[:, [0, -1]], moving[0][:, [0, -1]])
        assert np.array_equal(luma[:, 440:], moving[0][:, 440:])


def test_the_mouth_of_a_moving_head_follows_the_speech(breathing: Path) -> None:
    curve = measure(breathing, FaceMesher(ROOT / "model_repository"))
    verdict = judge(curve, load(DATA / "speech.json"), 0.4)
    assert verdict.in_sync, verdict
