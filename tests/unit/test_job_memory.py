"""The benchmark of a job's memory: it measures what it says."""

import os
import resource
import wave
from pathlib import Path

import av
import pytest

from benchmarks.commands import DATA, Command
from benchmarks.job_memory import (
    Sample,
    make_clip,
    make_recording,
    shared_mb,
    slope,
    status_mb,
    watch,
)


def samples(*sizes_mb: float, every_s: float = 10.0) -> list[Sample]:
    return [Sample(n * every_s, mb, mb, 0.0) for n, mb in enumerate(sizes_mb)]


def test_the_clip_has_the_samples_frames_on_a_larger_canvas(tmp_path: Path) -> None:
    with av.open(str(make_clip(tmp_path / "clip.mp4", "1280x720"))) as made:
        first, *rest = made.decode(video=0)
    assert (first.width, first.height) == (1280, 720)
    assert len(rest) == 149
    grey = first.to_ndarray(format="gray")
    assert grey[:, :150].std() < 2 < grey[:, 400:880].std()


@pytest.mark.parametrize("seconds", [3.0, 20.0])
def test_the_recording_is_as_long_as_asked(tmp_path: Path, seconds: float) -> None:
    with wave.open(str(make_recording(tmp_path / "long.wav", seconds))) as made:
        assert made.getnframes() == seconds * made.getframerate()
        data = made.readframes(made.getnframes())
    with wave.open(str(DATA / "speech.wav")) as speech:
        words = speech.readframes(speech.getnframes())
    again = data[len(words) : 2 * len(words)]
    assert words.startswith(again[: len(words)])
    assert data.startswith(words[: len(data)])


def test_memory_is_told_in_megabytes() -> None:
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert status_mb(os.getpid(), "VmHWM") == pytest.approx(peak_mb, rel=0.05)
    assert 0 < shared_mb(os.getpid()) <= status_mb(os.getpid(), "VmHWM")


def test_a_process_that_has_ended_takes_no_memory(tmp_path: Path) -> None:
    command = Command(["--version"], tmp_path, "version")
    command.process.wait(60)
    assert status_mb(command.pid, "VmRSS") == shared_mb(command.pid) == 0.0


def test_a_job_is_followed_to_its_end(tmp_path: Path) -> None:
    command = Command(["--version"], tmp_path, "version")
    peak_mb, taken = watch(command, command, 60)
    assert command.status == 0
    assert peak_mb >= taken[0].rss_mb > 0


def test_growth_is_told_per_minute() -> None:
    assert slope(samples(*range(100, 130)), 0.0) == pytest.approx(6.0)


def test_the_first_minute_of_speaking_does_not_count() -> None:
    growing = [100.0 + 50 * n for n in range(9)]  # 30 s until frames are made, and a minute more
    assert slope(samples(*growing, *[500.0] * 20), 30.0) == pytest.approx(0.0)
    assert slope(samples(*growing, *[500.0] * 20), 0.0) > 1


def test_of_a_short_job_the_second_half_counts() -> None:
    assert slope(samples(0, 100, 200, 300, 301, 302, 303), 0.0) == pytest.approx(6.0)
