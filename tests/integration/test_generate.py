"""The main job on the real server: a person and a recording become a speaking video."""

import json
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from benchmarks.sync.faces import FaceMesher
from benchmarks.sync.opening import measure
from benchmarks.sync.phonemes import load
from benchmarks.sync.scores import Verdict, judge

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
SHARED_MEDIA = ROOT.parent / "shared" / "media"
with wave.open(str(DATA / "speech.wav")) as recording:
    SPEECH_S = Fraction(recording.getnframes(), recording.getframerate())

pytestmark = pytest.mark.server


def command(video: Path, audio: Path, output: Path, url: str | None) -> list[str]:
    files = ["--video", str(video), "--audio", str(audio), "--output", str(output)]
    server = ["--url", url] if url else []
    return [sys.executable, "-m", "orchestrator", "generate", *files, *server, "--json"]


def generate(
    video: Path, audio: Path, output: Path, url: str | None, *options: str
) -> dict[str, Any]:
    result = subprocess.run(
        [*command(video, audio, output, url), *options], capture_output=True, text=True, timeout=280
    )
    assert result.returncode == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def durations_s(path: Path) -> tuple[Fraction, Fraction, Fraction]:
    """Frame rate, length of the pictures and of the sound."""
    with av.open(path) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        frames = sum(1 for _ in container.decode(video))
        rate = video.average_rate
        assert rate is not None
        container.seek(0)
        samples = sum(frame.samples for frame in container.decode(audio))
        return rate, frames / rate, Fraction(samples, audio.rate)


def verdict_on(output: Path) -> Verdict:
    """Compares the measured mouth with the phoneme times that the synthesiser gave."""
    curve = measure(output, FaceMesher(ROOT / "model_repository"))
    return judge(curve, load(DATA / "speech.json"), 0.4)


@pytest.fixture(scope="module")
def spoken(triton_url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    output = tmp_path_factory.mktemp("spoken") / "spoken.mp4"
    return output, generate(DATA / "portrait.mp4", DATA / "speech.wav", output, triton_url)


def test_the_video_is_as_long_as_the_recording(spoken: tuple[Path, Any]) -> None:
    output, report = spoken
    rate, pictures_s, sound_s = durations_s(output)

    assert rate == 25
    assert abs(pictures_s - SPEECH_S) <= 1 / rate
    assert abs(sound_s - SPEECH_S) <= 1 / rate
    assert report["frames"] == pictures_s * rate
    assert report["frames_with_face"] == report["frames"]


def test_the_report_tells_versions_batches_and_seconds(spoken: tuple[Path, Any]) -> None:
    _, report = spoken

    assert {role: model["version"] for role, model in report["models"].items()} == {
        "face_detection": "1",
        "face_landmarks": "1",
        "landmark2face": "2",
        "wenet": "2",
    }
    assert report["models"]["landmark2face"]["inferences"] == report["frames"]
    assert report["models"]["face_detection"]["inferences"] == 150
    assert set(report["stages_s"]) == {"listen", "prepare", "speak"}


def test_the_mouth_follows_the_speech(spoken: tuple[Path, Any]) -> None:
    output, _ = spoken

    verdict = verdict_on(output)

    assert verdict.aligned.effect_closures > 2
    assert verdict.aligned.effect_silence > 2
    assert verdict.control.effect_closures < 1
    assert verdict.aligned.correlation > verdict.control.correlation + 0.3
    assert verdict.in_sync


def test_the_background_stays_as_it_was(spoken: tuple[Path, Any]) -> None:
    output, _ = spoken
    with av.open(DATA / "portrait.mp4") as before, av.open(output) as after:
        first = next(before.decode(video=0)).to_ndarray(format="gray")
        result = next(after.decode(video=0)).to_ndarray(format="gray")

    changed = np.abs(first.astype(int) - result)
    assert changed[:150].mean() < 1.5  # above the face: only the encoder's loss
    assert changed[:, :250].mean() < 1.5


def test_a_photo_speaks_too(triton_url: str, tmp_path: Path) -> None:
    output = tmp_path / "photo.mp4"

    report = generate(DATA / "portrait.jpg", DATA / "speech.wav", output, triton_url)

    verdict = verdict_on(output)
    assert report["frames_with_face"] == report["frames"] == ceil(25 * SPEECH_S)
    assert verdict.in_sync


def make_clip(path: Path, pictures: list[av.VideoFrame], rate: Fraction) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "12"})
        stream.width, stream.height = pictures[0].width, pictures[0].height
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(pictures):
            picture.pts, picture.time_base = index, 1 / rate
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def test_frames_without_a_face_pass_through_at_the_clips_exact_rate(
    triton_url: str, tmp_path: Path
) -> None:
    with av.open(DATA / "portrait.mp4") as source:
        faces = [frame for frame, _ in zip(source.decode(video=0), range(30), strict=False)]
    shape = (faces[0].height * 3 // 2, faces[0].width)
    blank = [
        av.VideoFrame.from_ndarray(np.full(shape, 128, np.uint8), format="yuv420p")
        for _ in range(20)
    ]
    clip, output = tmp_path / "comes and göes.mp4", tmp_path / "out put.mp4"
    make_clip(clip, [*blank, *faces], Fraction(30000, 1001))

    report = generate(clip, DATA / "speech.wav", output, triton_url, "--when-longer", "cut")

    rate, pictures_s, sound_s = durations_s(output)
    assert report["frames"] == 50
    assert 25 <= report["frames_with_face"] <= 30
    assert rate == Fraction(30000, 1001)
    assert abs(pictures_s - sound_s) <= 1 / rate
    with av.open(output) as result:
        first = next(result.decode(video=0)).to_ndarray(format="gray")
    assert np.abs(first.astype(int) - 128).max() <= 2


def test_a_clip_without_any_face_is_refused(triton_url: str, tmp_path: Path) -> None:
    clip, output = tmp_path / "empty.mp4", tmp_path / "result.mp4"
    grey = [
        av.VideoFrame.from_ndarray(np.full((360, 320), 90, np.uint8), format="yuv420p")
        for _ in range(5)
    ]
    make_clip(clip, grey, Fraction(25))

    result = subprocess.run(
        command(clip, DATA / "speech.wav", output, triton_url), capture_output=True, text=True
    )

    assert result.returncode == 1
    assert "No face was found in any of 5 frames" in result.stderr
    *events, failed, _ = result.stderr.splitlines()
    assert all(json.loads(event) for event in events)
    assert json.loads(failed)["error"] == "NoFaceError"
    assert [p.name for p in tmp_path.iterdir()] == ["empty.mp4"]


def test_single_frame_requests_of_four_jobs_are_batched(triton_url: str, tmp_path: Path) -> None:
    jobs = [
        subprocess.Popen(
            command(DATA / "portrait.jpg", DATA / "speech.wav", tmp_path / f"{n}.mp4", triton_url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    results = [job.communicate(timeout=280) for job in jobs]

    assert [job.returncode for job in jobs] == [0] * 4, [error for _, error in results]
    reports = [json.loads(output) for output, _ in results]
    model = max((r["models"]["landmark2face"] for r in reports), key=lambda m: m["inferences"])
    assert model["inferences"] / model["executions"] >= 2


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_stopped_job_leaves_nothing(
    triton_url: str, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    job = subprocess.Popen(
        command(DATA / "portrait.mp4", DATA / "speech.wav", tmp_path / "r.mp4", triton_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until_it_writes(tmp_path, job)

    os.kill(job.pid, number)
    told = time.monotonic()
    _, error = job.communicate(timeout=10)

    assert time.monotonic() - told < 2
    assert job.returncode == status
    *events, sentence = error.splitlines()
    assert sentence == f"error: stopped by {number.name}; nothing was written."
    assert all(json.loads(event) for event in events)
    assert list(tmp_path.iterdir()) == []


def wait_until_it_writes(folder: Path, job: "subprocess.Popen[str]") -> None:
    """Waits for an open file in the folder, with or without a name."""
    deadline = time.monotonic() + 120
    while not any(path.startswith(f"{folder}/") for path in opened_by(job.pid)):
        assert job.poll() is None, job.stderr and job.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def opened_by(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # it was closed meanwhile
            yield str(descriptor.readlink())


def test_without_an_endpoint_the_embedded_server_is_started_and_ended(tmp_path: Path) -> None:
    output = tmp_path / "alone.mp4"

    report = generate(DATA / "portrait.jpg", DATA / "speech.wav", output, None)

    assert report["stages_s"]["server"] > 0
    assert output.stat().st_size > 10_000


@pytest.mark.skipif(not SHARED_MEDIA.is_dir(), reason="the real clips are not beside the project")
@pytest.mark.parametrize("clip", ["v01", "v02", "v06"])
def test_real_clips_keep_their_exact_rate_and_the_recordings_length(
    triton_url: str, tmp_path: Path, clip: str
) -> None:
    (video,) = SHARED_MEDIA.glob(f"{clip}_*.mp4")
    (audio,) = SHARED_MEDIA.glob("a06_*.wav")
    output = tmp_path / "result.mp4"

    generate(video, audio, output, triton_url)

    rate, pictures_s, sound_s = durations_s(output)
    with av.open(video) as source, av.open(audio) as recording:
        assert rate == source.streams.video[0].average_rate
        spoken_s = Fraction(sum(f.samples for f in recording.decode(audio=0)), 44100)
    assert abs(pictures_s - spoken_s) <= 1 / rate
    assert abs(sound_s - spoken_s) <= 1 / rate
