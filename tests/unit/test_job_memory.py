"""The benchmark of a job's memory: it measures what it says."""

import os
import resource
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from benchmarks import job_memory
from benchmarks.commands import DATA, Command, CommandError
from benchmarks.job_memory import (
    SAMPLE_S,
    Sample,
    make_clip,
    make_recording,
    shared_mb,
    slope,
    status_mb,
    take_sample,
    watch,
)

HELD_MB = 64
HOLD = f"held = b'x' * {HELD_MB * 2**20}; print('held', flush=True); input()"


class Held(Command):
    """A process in the place of a job: it holds memory until it is let go."""

    def __init__(self) -> None:
        self.started_s = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"held\n"

    def let_go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()


@pytest.fixture
def held() -> Iterator[Held]:
    job = Held()
    with job.process:
        yield job
        job.process.kill()


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


def test_a_job_is_followed_to_its_end(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Sample] = []

    def take(job: Command, server: Command) -> Sample:
        read.append(take_sample(job, server))
        if len(read) == 3:
            held.let_go()
        return read[-1]

    monkeypatch.setattr(job_memory, "take_sample", take)
    peak_mb, taken = watch(held, held, 60)
    assert held.status == 0
    assert taken[:3] == read[:3]
    assert taken[1].at_s - taken[0].at_s >= SAMPLE_S
    assert peak_mb >= taken[0].rss_mb > HELD_MB


def test_a_job_is_read_again_until_its_process_has_memory(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def take(job: Command, server: Command) -> Sample:
        sample = take_sample(job, server)
        seen.append(sample.at_s)
        if len(seen) == 3:
            held.let_go()
            return sample
        return Sample(sample.at_s, 0.0, 0.0, 0.0)

    monkeypatch.setattr(job_memory, "take_sample", take)
    monkeypatch.setattr(job_memory, "SAMPLE_S", 60.0)
    _, taken = watch(held, held, 60)
    assert [sample.at_s for sample in taken] == seen[2:3]


def test_a_job_must_end_in_time(held: Held) -> None:
    with pytest.raises(CommandError, match=r"not ended within 0\.2 s"):
        watch(held, held, 0.2)


def test_a_job_whose_memory_nobody_read_has_no_figures(tmp_path: Path) -> None:
    command = Command(["--version"], tmp_path, "version")
    command.process.wait(60)
    with pytest.raises(CommandError, match="before its memory was read"):
        watch(command, command, 60)


def test_growth_is_told_per_minute() -> None:
    assert slope(samples(*range(100, 130)), 0.0) == pytest.approx(6.0)


def test_the_first_minute_of_speaking_does_not_count() -> None:
    growing = [100.0 + 50 * n for n in range(9)]  # 30 s until frames are made, and a minute more
    assert slope(samples(*growing, *[500.0] * 20), 30.0) == pytest.approx(0.0)
    assert slope(samples(*growing, *[500.0] * 20), 0.0) > 1


def test_of_a_short_job_the_second_half_counts() -> None:
    assert slope(samples(0, 100, 200, 300, 301, 302, 303), 0.0) == pytest.approx(6.0)
