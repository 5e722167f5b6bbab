"""`orchestrator preview`: a look at what a job would make."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.access import KeyFile, TlsCa, TlsCertificate, TlsKey
from orchestrator.cli.bars import Bars
from orchestrator.cli.display import Quiet
from orchestrator.cli.jobs import run_job
from orchestrator.cli.options import (
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
from orchestrator.cli.values import comparison, length_s, time_s
from orchestrator.media.still import is_still
from orchestrator.pipeline.compare import Comparison
from orchestrator.pipeline.preview import Piece, Preview, preview
from orchestrator.pipeline.work import Request
from orchestrator.settings import load_settings

_SHOWN = "What is shown"


def preview_command(
    video: VideoFile,
    audio: AudioFile,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="A picture to write (.png, .jpg), or a clip (.mp4).",
            metavar="FILE",
        ),
    ],
    at: Annotated[
        Fraction | None,
        typer.Option(
            parser=time_s,
            help="Which moment of the result: seconds or H:MM:SS. By default a picture shows the "
            "mouth at its widest, and a clip begins at the start.",
            metavar="TIME",
            rich_help_panel=_SHOWN,
        ),
    ] = None,
    seconds: Annotated[
        Fraction | None,
        typer.Option(
            parser=length_s,
            help="How long a clip is; 3 seconds by default.",
            metavar="TIME",
            rich_help_panel=_SHOWN,
        ),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="Show whole pictures and not only the faces.", rich_help_panel=_SHOWN
        ),
    ] = False,
    compare: Annotated[
        Comparison | None,
        typer.Option(
            parser=comparison,
            help="Show the result of another version of a model as well, such as wenet=1.",
            metavar="ROLE=VERSION",
            rich_help_panel=_SHOWN,
        ),
    ] = None,
    when_longer: Longer = None,
    when_shorter: Shorter = None,
    start: Start = None,
    duration: Duration = None,
    face: Face = None,
    all_faces: AllFaces = False,
    idle: Idling = None,
    restore: Restore = None,
    url: Url = None,
    transport: Transport = None,
    key_file: KeyFile = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    profile: Profile = "default",
    stall_timeout: StallTimeout = None,
    quiet: BeQuiet = False,
) -> None:
    """Show a moment of what `generate` would make: source, result, mask and landmarks in a row.

    Example: orchestrator preview --video me.mp4 --audio speech.wav --output sheet.png --at 2.5

    The mask shows in white where the result is painted, and in grey where it is painted thinly.
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
    piece = _piece(output, at, seconds, compare, whole=whole)
    display = Quiet() if quiet else Bars()
    with display.shown():
        settings = overridden(
            restoring(load_settings(profile), restore),
            given(when_longer=when_longer, when_shorter=when_shorter, idle=idle),
            serving=given(
                stall_timeout_s=stall_timeout,
                transport=transport,
                key_file=key_file,
                tls_ca=tls_ca,
                tls_certificate=tls_certificate,
                tls_key=tls_key,
            ),
        )
        made = run_job(partial(preview, request, piece, settings), display)
    if not quiet:
        show(_summary(output, made))


def _piece(
    output: Path,
    at: Fraction | None,
    seconds: Fraction | None,
    compare: Comparison | None,
    *,
    whole: bool,
) -> Piece:
    if seconds is not None and is_still(output):
        raise typer.BadParameter("a picture shows one frame: leave out --seconds, or write an .mp4")
    lasting = {} if seconds is None else {"duration_s": seconds}
    return Piece(at_s=at, whole=whole, comparison=compare, **lasting)


def _summary(output: Path, made: Preview) -> str:
    frames = "1 frame" if made.frames == 1 else f"{made.frames} frames"
    return (
        f"{printable(str(output))}: {' | '.join(made.panels)}; {frames} from "
        f"{float(made.at_s):.2f} s, {made.width}x{made.height}"
    )
