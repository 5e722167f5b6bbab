"""Memory of a clip played back and forth: ``python -m benchmarks.playback_memory``.

The clip is the hardest to play backwards: one key frame, with B-frames. The media layer alone plays
it and writes the result, under a recording of 10 s and under one of 20 times the clip's length,
each in a process of its own. Stated limit: the long one takes at most 1.1 times the memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import av
import numpy as np
import typer

from orchestrator.media.encoders import Encoding, choose_encoder
from orchestrator.media.frames import FrameSource
from orchestrator.media.info import probe_video
from orchestrator.media.pixels import rows_of
from orchestrator.media.playback import play_from
from orchestrator.media.writer import VideoWriter

RATE: Final = 25
SAMPLE_RATE: Final = 16000
SHORT_S: Final = 10.0
LIMIT: Final = 1.1
CODED: Final = {"preset": "veryfast", "crf": "28", "bf": "3", "b-adapt": "0", "sc_threshold": "0"}


def make_clip(path: Path, width: int, height: int, count: int) -> None:
    """Encodes a moving texture with one key frame."""
    with av.open(str(path), "w") as container:
        options = {**CODED, "x264-params": f"keyint={count + 1}"}
        stream = container.add_stream("libx264", RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in pictures(width, height, count):
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def pictures(width: int, height: int, count: int) -> Iterator[av.VideoFrame]:
    """Yield a texture that slides."""
    x, y = np.meshgrid(np.arange(width + 4 * count), np.arange(height))
    wide = (120 + 50 * np.sin(x / 23) * np.cos(y / 31) + 20 * np.sin(x * y / 4000)).astype(np.uint8)
    for number in range(count):
        picture = av.VideoFrame(width, height, "yuv420p")
        for plane in picture.planes[1:]:
            rows_of(plane)[:] = 128
        rows_of(picture.planes[0])[:, :width] = wide[:, 4 * number : 4 * number + width]
        picture.pts = number
        yield picture


def make_recording(path: Path, duration_s: float) -> None:
    """Writes silence, which costs the least."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", SAMPLE_RATE)
        stream.layout = "mono"
        for _ in range(round(duration_s)):
            samples = np.zeros((1, SAMPLE_RATE), np.int16)
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate = SAMPLE_RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def run(clip: Path, recording: Path, duration_s: float) -> None:
    """Play and write in this process, and print what it took."""
    info = probe_video(clip)
    total = round(Fraction(duration_s) * info.frame_rate)
    started_s = time.perf_counter()
    encoder = choose_encoder(info, Encoding(preset="ultrafast"), threads=0)
    writer = VideoWriter(clip.with_name("out.mp4"), info, recording, encoder)
    with FrameSource(info) as source, writer as out:
        for frame in play_from(source, total, "bounce"):
            out.write(frame.planes)
        out.finish()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    elapsed_s = time.perf_counter() - started_s
    result = {"frames": total, "peak_mb": peak_mb, "decoded": source.decoded, "seconds": elapsed_s}
    typer.echo(json.dumps(result))


def measure(clip: Path, duration_s: float) -> dict[str, float]:
    """Run in a fresh process, print one row of the table and return it."""
    recording = clip.with_name(f"{duration_s}.wav")
    make_recording(recording, duration_s)
    command = [sys.executable, "-m", "benchmarks.playback_memory", "--clip", str(clip)]
    command += ["--recording", str(recording), "--seconds", str(duration_s)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    row: dict[str, float] = json.loads(output)
    typer.echo(
        f"{duration_s:8.1f} s {row['frames']:7d} frames {row['peak_mb']:8.0f} MB peak "
        f"{row['decoded'] / row['frames']:6.2f} decoded per shown "
        f"{row['frames'] / row['seconds']:7.1f} frames per second"
    )
    return row


def main(
    size: Annotated[str, typer.Option(help="Of the clip.", metavar="WxH")] = "1920x1080",
    frames: Annotated[int, typer.Option(min=2, help="Frames of the clip.")] = 250,
    times: Annotated[int, typer.Option(min=1, help="Length of the long recording in clips.")] = 20,
    clip: Annotated[Path | None, typer.Option(hidden=True)] = None,
    recording: Annotated[Path | None, typer.Option(hidden=True)] = None,
    seconds: Annotated[float, typer.Option(hidden=True)] = SHORT_S,
) -> None:
    """Measure the memory of playing a clip of one key frame back and forth."""
    if clip is not None and recording is not None:
        run(clip, recording, seconds)
        return
    width, height = map(int, size.split("x"))
    with TemporaryDirectory() as folder:
        made = Path(folder) / "clip.mp4"
        make_clip(made, width, height, frames)
        short = measure(made, SHORT_S)
        long = measure(made, times * frames / RATE)
    ratio = long["peak_mb"] / short["peak_mb"]
    typer.echo(f"ratio {ratio:.3f} (limit {LIMIT})")
    raise typer.Exit(ratio > LIMIT)


if __name__ == "__main__":
    typer.run(main)
