"""The shipped sample is what its README says."""

from __future__ import annotations

import json
import math
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

DATA = Path(__file__).parents[1] / "data"
CLASSES = {
    "sil", "PB", "M", "FV", "TH", "TD", "N", "SZ", "L", "R", "SH", "KG", "NG", "H", "W", "J",
    "i", "I", "e", "E", "ae", "a", "schwa", "O", "o", "u", "U", "y",
}  # fmt: skip


@pytest.fixture(scope="module")
def speech() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / "speech.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def samples() -> npt.NDArray[np.float64]:
    with wave.open(str(DATA / "speech.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22050)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def test_everything_together_stays_small() -> None:
    assert (DATA / "portrait.mp4").stat().st_size < 1_000_000
    assert sum(path.stat().st_size for path in DATA.iterdir() if path.is_file()) < 1_500_000


def test_the_portrait_is_six_seconds_of_tagged_h264_with_a_single_keyframe() -> None:
    with av.open(str(DATA / "portrait.mp4")) as container:
        (stream,) = container.streams
        frames = list(container.decode(video=0))
        codec: Any = stream.codec_context
        assert (codec.name, codec.pix_fmt, codec.width, codec.height) == (
            "h264", "yuv420p", 960, 720,
        )  # fmt: skip
        assert (codec.colorspace, codec.color_range) == (1, 1)
        assert (codec.color_primaries, codec.color_trc) == (1, 1)
        assert stream.average_rate == 25
    assert len(frames) == 150
    assert [index for index, frame in enumerate(frames) if frame.key_frame] == [0]


def test_the_camera_moves_gently_in_every_frame() -> None:
    with av.open(str(DATA / "portrait.mp4")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    small = [cv2.resize(frame, (240, 180), interpolation=cv2.INTER_AREA) for frame in frames]
    steps = [
        math.hypot(*cv2.phaseCorrelate(a.astype(np.float32), b.astype(np.float32))[0]) * 4
        for a, b in pairwise(small)
    ]
    assert np.mean(steps) > 0.1
    assert max(steps) < 3.0


def test_the_photo_is_a_picture_of_512_by_512() -> None:
    photo = cv2.imread(str(DATA / "portrait.jpg"))
    assert photo is not None
    assert photo.shape == (512, 512, 3)


def test_the_speech_is_a_little_longer_than_the_clip_and_does_not_clip(
    samples: npt.NDArray[np.float64],
) -> None:
    assert 6.0 < len(samples) / 22050 < 8.5
    assert 0.5 < np.abs(samples).max() < 0.9


def test_the_phonemes_follow_one_another_from_start_to_end(
    speech: dict[str, Any], samples: npt.NDArray[np.float64]
) -> None:
    rows = speech["phonemes"]
    assert rows[0]["start_s"] == 0
    assert all(a["end_s"] == b["start_s"] for a, b in pairwise(rows))
    assert all(row["end_s"] > row["start_s"] for row in rows)
    assert rows[-1]["end_s"] == pytest.approx(len(samples) / 22050, abs=0.02)


def test_the_classes_are_those_of_the_speech_features(speech: dict[str, Any]) -> None:
    used = {row["class"] for row in speech["phonemes"]}
    assert used <= CLASSES
    assert used >= {"sil", "M", "PB", "FV", "a", "ae", "E", "O"}


def test_the_times_fit_the_sound(speech: dict[str, Any], samples: npt.NDArray[np.float64]) -> None:
    def level_db(row: dict[str, Any]) -> float:
        length_s = row["end_s"] - row["start_s"]
        begin, end = (round(22050 * (row["start_s"] + f * length_s)) for f in (0.3, 0.7))
        return float(20 * np.log10(samples[begin:end].std() + 1e-9))

    pauses = [level_db(row) for row in speech["phonemes"] if row["class"] == "sil"]
    vowels = [level_db(row) for row in speech["phonemes"] if row["class"] in ("a", "ae", "O")]
    assert max(pauses) < -50
    assert min(vowels) > -30
