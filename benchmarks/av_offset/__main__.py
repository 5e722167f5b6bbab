"""Offset of sound against pictures: ``python -m benchmarks.av_offset``.

Without options a flashing clip is played under a clapping recording of two hours and written, once
for each rate and kind of sound; then the result is decoded and claps are compared with flashes.
Stated limit: half a frame, at the start and at the end. No models take part, as they do not touch
time; for the whole command, ``--make FOLDER --background FACE.jpg``, generate, then ``--video``.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final, get_args

import av
import typer

from benchmarks.av_offset.making import Mode, flash_times, make_clip, make_recording
from benchmarks.av_offset.measuring import WINDOW_S, Offset, measure
from client.errors import LipSyncError
from orchestrator.media.encoders import Encoding, choose_encoder
from orchestrator.media.info import probe_video
from orchestrator.media.playback import play
from orchestrator.media.writer import VideoWriter, frames_for

RATES: Final = (Fraction(24000, 1001), Fraction(30000, 1001))
SOUNDS: Final = {".wav": "WAV to AAC", ".m4a": "AAC copied", ".mp3": "MP3 copied"}
LIMIT: Final = 0.5
"""Of a frame."""


def make(folder: Path, rate: Fraction, mode: Mode, suffix: str, seconds: Fraction) -> Path:
    """Make a clip and its recording, and write the one under the other."""
    clip = probe_video(make_clip(folder / "clip.mp4", rate))
    claps_s = flash_times(rate, seconds, mode)
    recording = make_recording(folder / f"recording{suffix}", claps_s, seconds)
    output = folder / "out.mp4"
    encoder = choose_encoder(clip, Encoding(preset="ultrafast"), threads=0)
    with VideoWriter(output, clip, recording, encoder) as writer:
        for frame in play(clip, frames_for(seconds, rate), mode):
            writer.write(frame.planes)
        writer.finish()
    return output


def ends(video: Path) -> tuple[Offset, Offset]:
    """Measure the first and the last seconds of a video."""
    with av.open(str(video)) as container:
        length_s = (container.duration or 0) / av.time_base
    window_s = min(WINDOW_S, length_s / 2)
    return measure(video, 0, window_s), measure(video, length_s - window_s, length_s)


def report(title: str, video: Path) -> bool:
    """Print the offsets of a video and return whether they are within the limit."""
    start, end = ends(video)
    typer.echo(f"{title}\n  start {start}\n  end   {end}")
    return max(abs(start.worst_ms), abs(end.worst_ms)) <= LIMIT * start.frame_ms


def run_all(seconds: Fraction) -> bool:
    """Measure every rate and kind of sound."""
    passed = True
    for rate in RATES:
        for mode, suffix in zip((*get_args(Mode), "loop"), SOUNDS, strict=True):
            with TemporaryDirectory() as folder:
                video = make(Path(folder), rate, mode, suffix, seconds)
                title = f"{rate} frames a second, {mode}, {SOUNDS[suffix]}, {float(seconds):.0f} s"
                passed &= report(title, video)
    return passed


def main(
    video: Annotated[Path | None, typer.Option(help="Only measure this result.")] = None,
    to: Annotated[
        Path | None, typer.Option("--make", help="Only make a clip and recordings here.")
    ] = None,
    background: Annotated[
        Path | None, typer.Option(help="Picture that the clip shows between flashes.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=10, help="Length of the recording.")] = 7200,
) -> None:
    """Measure how far claps are from flashes."""
    length_s = Fraction(seconds).limit_denominator(1000)
    try:
        if video is not None:
            raise typer.Exit(not report(str(video), video))
        if to is None:
            raise typer.Exit(not run_all(length_s))
        make_clip(to / "clip.mp4", RATES[0], background)
        for suffix in SOUNDS:
            claps_s = flash_times(RATES[0], length_s, "bounce")
            make_recording(to / f"recording{suffix}", claps_s, length_s)
    except LipSyncError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    typer.run(main)
