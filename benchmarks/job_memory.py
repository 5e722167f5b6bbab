"""Memory of whole jobs, short and long: ``python -m benchmarks.job_memory``.

The sample's person, on a larger canvas, plays back and forth under the sample's speech, repeated
for 10 s and for half an hour, with one ``orchestrator serve``. Memory of the ``generate`` process
is read every second, together with that of the server's models, for information. Stated limits:
the long job's peak is at most 1.1 times the short one's, and 10 s at 1920x1080 take at most 700 MB.
"""

from __future__ import annotations

import json
import time
import wave
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import av
import numpy as np
import typer

from benchmarks.commands import DATA, Command, CommandError, generate_arguments, serving
from orchestrator.server.leftovers import processes

SHORT_S: Final = 10.0
LARGE: Final = "1920x1080"
RATIO_LIMIT: Final = 1.1
LARGE_LIMIT_MB: Final = 700.0
SAMPLE_S: Final = 1.0
PEAK_POLL_S: Final = 0.1
SETTLE_S: Final = 60.0
BACKGROUND: Final = 90
TIMES_REAL: Final = 20
"""A job that takes longer than so many times its recording, and the start, hangs."""


@dataclass(frozen=True)
class Sample:
    """Memory at one moment.

    Attributes:
        at_s: Since the start of the job.
        rss_mb: Resident memory of `generate`.
        pss_mb: Its share of what it has in common with others counted once.
        models_mb: The same of all the server's models together.
    """

    at_s: float
    rss_mb: float
    pss_mb: float
    models_mb: float


@dataclass(frozen=True)
class Run:
    """One job.

    Attributes:
        peak_mb: The most resident memory that `generate` ever had (VmHWM).
        speaking_s: When, since the start of the job, frames began to be made.
        slope_mb: Growth per minute while frames were made.
    """

    size: str
    recording_s: float
    frames: int
    seconds: float
    peak_mb: float
    speaking_s: float
    slope_mb: float
    samples: list[Sample]


def make_clip(path: Path, size: str) -> Path:
    """Puts the sample's pictures, as large as they fit, on a grey canvas of `size`."""
    width, height = map(int, size.split("x"))
    with av.open(str(DATA / "portrait.mp4")) as source, av.open(str(path), "w") as made:
        given = source.streams.video[0]
        stream = made.add_stream("libx264", Fraction(given.average_rate or 25))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in source.decode(given):
            made.mux(stream.encode(_on_canvas(picture, width, height)))
        made.mux(stream.encode(None))
    return path


def _on_canvas(picture: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    scale = min(width / picture.width, height / picture.height)
    w, h = (round(side * scale) // 2 * 2 for side in (picture.width, picture.height))
    x, y = (width - w) // 2, (height - h) // 2
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
    canvas[y : y + h, x : x + w] = picture.reformat(w, h, "rgb24").to_ndarray()
    return av.VideoFrame.from_ndarray(canvas, "rgb24")


def make_recording(path: Path, seconds: float) -> Path:
    """Repeats the sample's speech."""
    with wave.open(str(DATA / "speech.wav")) as source, wave.open(str(path), "wb") as made:
        made.setparams(source.getparams())
        left = round(seconds * source.getframerate())
        while left > 0:
            source.rewind()
            count = min(left, source.getnframes())
            made.writeframesraw(source.readframes(count))
            left -= count
    return path


def status_mb(pid: int, field: str) -> float:
    """Returns one of a process's memory counts; 0 once it has ended."""
    return _read_mb(Path(f"/proc/{pid}/status"), field)


def shared_mb(pid: int) -> float:
    """Returns a process's memory, with what it shares counted in parts; 0 once it has ended."""
    return _read_mb(Path(f"/proc/{pid}/smaps_rollup"), "Pss")


def _read_mb(path: Path, field: str) -> float:
    with suppress(OSError):
        for line in path.read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def take_sample(job: Command, server: Command) -> Sample:
    """Reads the memory of a job and of the server's models."""
    models = (pid for pid in processes(f"lipsync-{server.pid}-") if _is_stub(pid))
    return Sample(
        at_s=time.monotonic() - job.started_s,
        rss_mb=status_mb(job.pid, "VmRSS"),
        pss_mb=shared_mb(job.pid),
        models_mb=sum(map(shared_mb, models)),
    )


def _is_stub(pid: int) -> bool:
    with suppress(OSError):
        program = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
        return program.endswith(b"/triton_python_backend_stub")
    return False


def watch(job: Command, server: Command, timeout_s: float) -> tuple[float, list[Sample]]:
    """Follows a job to its end; returns its peak in MB and a sample for every second.

    A process has no memory in the moment in which it starts, nor once it has ended: such readings
    are no samples.

    Raises:
        CommandError: If it does not end within `timeout_s`, or succeeds before its memory is read.
    """
    peak_mb = 0.0
    samples: list[Sample] = []
    while job.status is None:
        passed_s = time.monotonic() - job.started_s
        if passed_s > timeout_s:
            raise CommandError(f"the job has not ended within {timeout_s:g} s")
        peak_mb = max(peak_mb, status_mb(job.pid, "VmHWM"))
        if not samples or passed_s >= samples[-1].at_s + SAMPLE_S:
            sample = take_sample(job, server)
            if sample.rss_mb:
                samples.append(sample)
        time.sleep(PEAK_POLL_S)
    if job.status == 0 and not samples:
        raise CommandError("the job ended before its memory was read")
    return peak_mb, samples


def slope(samples: Sequence[Sample], from_s: float) -> float:
    """Returns the growth of resident memory in MB per minute, by least squares.

    Args:
        samples: Of one job.
        from_s: When frames began to be made; the first minute of that does not count, nor, where
            it is shorter than two, its first half.
    """
    times_s = np.array([sample.at_s for sample in samples])
    sizes_mb = np.array([sample.rss_mb for sample in samples])
    settled = times_s >= from_s + min(SETTLE_S, (times_s[-1] - from_s) / 2)
    if settled.sum() < 2:
        return 0.0
    return float(np.polyfit(times_s[settled] / 60, sizes_mb[settled], 1)[0])


def run(size: str, seconds: float, server: Command, url: str, folder: Path) -> Run:
    """Runs one job and prints what it took.

    Raises:
        CommandError: If it fails.
    """
    clip = make_clip(folder / f"{size}.mp4", size)
    recording = make_recording(folder / f"{seconds:g}.wav", seconds)
    options = ("--when-longer", "bounce", "--json")
    arguments = generate_arguments(clip, recording, folder / "made.mp4", url, *options)
    job = Command(arguments, folder, f"job-{size}-{seconds:g}")
    try:
        peak_mb, samples = watch(job, server, 60 + TIMES_REAL * seconds)
    finally:
        job.stop()
    taken_s = time.monotonic() - job.started_s
    if job.status != 0:
        raise CommandError(f"a job failed: {job.complaint.strip()}")
    report = json.loads(job.printed)
    speaking_s = max(0.0, taken_s - report["stages_s"]["speak"])
    growth_mb = slope(samples, speaking_s)
    done = Run(size, seconds, report["frames"], taken_s, peak_mb, speaking_s, growth_mb, samples)
    tell(done)
    return done


def tell(run: Run) -> None:
    """Prints one job."""
    pss_mb, models_mb = (max(getattr(s, n) for s in run.samples) for n in ("pss_mb", "models_mb"))
    typer.echo(
        f"{run.size:>9} {run.recording_s:7.0f} s {run.frames:6d} frames in {run.seconds:6.1f} s "
        f"{run.peak_mb:7.0f} MB peak ({pss_mb:.0f} MB PSS), models {models_mb:.0f} MB"
    )


def judge(short: Run, long: Run, large: Run) -> bool:
    """Prints the figures that have limits and returns whether they keep them."""
    ratio = long.peak_mb / short.peak_mb
    typer.echo(f"long / short {ratio:.3f} (limit {RATIO_LIMIT})")
    typer.echo(f"growth of the long one, once settled: {long.slope_mb:+.2f} MB per minute")
    typer.echo(f"{large.peak_mb:.0f} MB at {large.size} (limit {LARGE_LIMIT_MB:.0f} MB)")
    return ratio <= RATIO_LIMIT and large.peak_mb <= LARGE_LIMIT_MB


def main(
    long_s: Annotated[float, typer.Option(min=20, help="Length of the long recording.")] = 1800.0,
    size: Annotated[str, typer.Option(help="Of the clip.", metavar="WxH")] = "1280x720",
    out: Annotated[Path | None, typer.Option(help="Every sample as JSON.", metavar="FILE")] = None,
) -> None:
    """Measure the memory of a job under a short and a long recording."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with serving(folder) as (server, url):
                jobs = ((size, SHORT_S), (size, long_s), (LARGE, SHORT_S))
                runs = [run(*job, server, url, folder) for job in jobs]
        except CommandError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps([asdict(each) for each in runs]), encoding="utf-8")
    raise typer.Exit(not judge(*runs))


if __name__ == "__main__":
    typer.run(main)
