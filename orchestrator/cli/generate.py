"""`orchestrator generate`: one job from the command line."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.access import KeyFile, TlsCa, TlsCertificate, TlsKey
from orchestrator.cli.bars import Bars
from orchestrator.cli.display import Display, Quiet
from orchestrator.cli.events import Events
from orchestrator.cli.jobs import run_job
from orchestrator.cli.options import (
    RUNNING,
    AllFaces,
    AudioFile,
    BeQuiet,
    Duration,
    Face,
    Idling,
    Longer,
    Profile,
    Restore,
    Shorter,
    StallTimeout,
    Start,
    Transport,
    Url,
    VideoFile,
    chosen,
    given,
    overridden,
    restoring,
)
from orchestrator.cli.running import printable, show
from orchestrator.media.encoder_options import Preset
from orchestrator.pipeline.job import Request, generate
from orchestrator.pipeline.report import Report
from orchestrator.settings import CodecChoice, load_settings

_ENCODING = "Encoding"


def generate_command(
    video: VideoFile,
    audio: AudioFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="MP4 file to write.", metavar="FILE")
    ],
    when_longer: Longer = None,
    when_shorter: Shorter = None,
    start: Start = None,
    duration: Duration = None,
    face: Face = None,
    all_faces: AllFaces = False,
    idle: Idling = None,
    restore: Restore = None,
    codec: Annotated[
        CodecChoice | None,
        typer.Option(
            help="auto (h264, or hevc for 10-bit 4:2:0; the usual), h264, hevc or av1.",
            metavar="CODEC",
            rich_help_panel=_ENCODING,
        ),
    ] = None,
    crf: Annotated[
        int | None,
        typer.Option(
            help="Quality: smaller is better and larger, 0 is lossless; the codec's own by "
            "default.",
            min=0,
            max=63,
            rich_help_panel=_ENCODING,
        ),
    ] = None,
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="Effort, ultrafast … veryslow for every codec; the codec's own by default.",
            metavar="NAME",
            rich_help_panel=_ENCODING,
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="nvenc, or FFmpeg's name of another encoder of that codec; where it cannot run, "
            "the usual one takes over.",
            metavar="NAME",
            rich_help_panel=_ENCODING,
        ),
    ] = None,
    compatible: Annotated[
        bool | None,
        typer.Option(
            "--compatible",
            help="8-bit 4:2:0 whatever the clip has, for players that take nothing else.",
            rich_help_panel=_ENCODING,
        ),
    ] = None,
    url: Url = None,
    transport: Transport = None,
    key_file: KeyFile = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    profile: Profile = "default",
    stall_timeout: StallTimeout = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print a JSON report on standard output and, while the job runs, events on "
            "standard error, one JSON object a line; with --quiet the report alone. After a "
            "failure the last line is `error: ...`, as always.",
            rich_help_panel=RUNNING,
        ),
    ] = False,
    quiet: BeQuiet = False,
) -> None:
    """Make a video of the person in VIDEO speaking AUDIO.

    Example: orchestrator generate --video me.mp4 --audio speech.wav --output talking.mp4

    Ctrl-C ends the job in order, a second one at once. SIGUSR1 makes it print what it waits for.
    """
    request = Request(
        video=video,
        audio=audio,
        output=output,
        url=url,
        start_s=start or Fraction(0),
        duration_s=duration,
        face=chosen(face, all_faces=all_faces),
        all_faces=all_faces,
    )
    display = _display(quiet=quiet, json=json)
    with display.shown():
        settings = overridden(
            restoring(load_settings(profile), restore),
            given(when_longer=when_longer, when_shorter=when_shorter, idle=idle),
            encoding=given(
                codec=codec, crf=crf, preset=preset, encoder=encoder, compatible=compatible
            ),
            serving=given(
                stall_timeout_s=stall_timeout,
                transport=transport,
                key_file=key_file,
                tls_ca=tls_ca,
                tls_certificate=tls_certificate,
                tls_key=tls_key,
            ),
        )
        report = run_job(partial(generate, request, settings), display)
        if json:
            show(report.model_dump_json(indent=2))
    if not json and not quiet:
        show(_summary(report))


def _display(*, quiet: bool, json: bool) -> Display:
    if quiet:
        return Quiet()
    return Events() if json else Bars()


def _summary(report: Report) -> str:
    return (
        f"{printable(report.output)}: {report.frames} frames, {report.duration_s:.2f} s, "
        f"{report.end_to_end_fps:.1f} frames per second end to end"
    )
