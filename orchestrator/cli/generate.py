"""`orchestrator generate`: one job from the command line."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from client.connection import TransportChoice
from orchestrator.cli.access import KeyFile, TlsCa, TlsCertificate, TlsKey
from orchestrator.cli.bars import Bars
from orchestrator.cli.display import Display, Quiet, watched
from orchestrator.cli.events import Events
from orchestrator.cli.running import printable, run, show
from orchestrator.cli.values import length_s, time_s
from orchestrator.faces.choice import FaceChoice
from orchestrator.media.encoder_options import Preset
from orchestrator.media.playback import WhenLonger
from orchestrator.pipeline.job import Request, generate
from orchestrator.pipeline.report import Report
from orchestrator.pipeline.waiting import JobState
from orchestrator.settings import CodecChoice, Idle, Settings, WhenShorter, load_settings

_TIMING = "Clip and recording"
_FACES = "Faces"
_ENCODING = "Encoding"
_RUNNING = "Running"


def _face(text: str) -> FaceChoice:
    try:
        return FaceChoice.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def generate_command(
    video: Annotated[
        Path, typer.Option("--video", "-v", help="Clip or photo of the person.", metavar="FILE")
    ],
    audio: Annotated[Path, typer.Option("--audio", "-a", help="Speech recording.", metavar="FILE")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="MP4 file to write.", metavar="FILE")
    ],
    when_longer: Annotated[
        WhenLonger | None,
        typer.Option(
            help="The recording is longer than the clip: bounce (back and forth; the usual), loop "
            "(from the start), freeze (last frame) or cut (end with the clip).",
            metavar="MODE",
            rich_help_panel=_TIMING,
        ),
    ] = None,
    when_shorter: Annotated[
        WhenShorter | None,
        typer.Option(
            help="The recording is shorter than the clip: cut (end with the recording; the usual) "
            "or pad (go on to the clip's end with the mouth at rest).",
            metavar="MODE",
            rich_help_panel=_TIMING,
        ),
    ] = None,
    start: Annotated[
        Fraction | None,
        typer.Option(
            parser=time_s,
            help="Where in the clip to begin: seconds or H:MM:SS; its start by default.",
            metavar="TIME",
            rich_help_panel=_TIMING,
        ),
    ] = None,
    duration: Annotated[
        Fraction | None,
        typer.Option(
            parser=length_s,
            help="How much of the clip to use from there; all of it by default.",
            metavar="TIME",
            rich_help_panel=_TIMING,
        ),
    ] = None,
    face: Annotated[
        FaceChoice | None,
        typer.Option(
            parser=_face,
            help="Who speaks: largest (the usual), index:N (from the left, beginning with 0) or "
            "point:X,Y (in pixels, or as fractions such as point:0.3,0.5).",
            metavar="WHO",
            rich_help_panel=_FACES,
        ),
    ] = None,
    all_faces: Annotated[
        bool,
        typer.Option("--all-faces", help="Everybody in the clip speaks.", rich_help_panel=_FACES),
    ] = False,
    idle: Annotated[
        Idle | None,
        typer.Option(
            help="What the people in a photo do beside speaking: still (the usual), or breathe "
            "(they move a little).",
            metavar="MODE",
            rich_help_panel=_FACES,
        ),
    ] = None,
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
    url: Annotated[
        str | None,
        typer.Option(
            help="gRPC endpoint of a Triton server, such as localhost:8001, or grpcs://HOST:PORT "
            "over TLS. Without it the embedded server is started for this job.",
            metavar="HOST:PORT",
            rich_help_panel=_RUNNING,
        ),
    ] = None,
    transport: Annotated[
        TransportChoice | None,
        typer.Option(
            help="How frames reach the server: auto (shared memory where the server sees it; the "
            "usual), shared-memory or grpc (in messages).",
            metavar="WAY",
            rich_help_panel=_RUNNING,
        ),
    ] = None,
    key_file: KeyFile = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    profile: Annotated[
        str,
        typer.Option(
            help="Profile in configs/, or a YAML file; it holds the defaults of the other options.",
            metavar="NAME|FILE",
            rich_help_panel=_RUNNING,
        ),
    ] = "default",
    stall_timeout: Annotated[
        float | None,
        typer.Option(
            help="Seconds without any progress of a model; usually 120.",
            metavar="SECONDS",
            min=1,
            rich_help_panel=_RUNNING,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print a JSON report on standard output and, while the job runs, events on "
            "standard error, one JSON object a line; with --quiet the report alone. After a "
            "failure the last line is `error: ...`, as always.",
            rich_help_panel=_RUNNING,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel=_RUNNING),
    ] = False,
) -> None:
    """Make a video of the person in VIDEO speaking AUDIO.

    Example: orchestrator generate --video me.mp4 --audio speech.wav --output talking.mp4

    Ctrl-C ends the job in order, a second one at once. SIGUSR1 makes it print what it waits for.
    """
    if face is not None and all_faces:
        raise typer.BadParameter("everybody speaks with --all-faces: leave out one of the two")
    request = Request(
        video=video,
        audio=audio,
        output=output,
        url=url,
        start_s=start or Fraction(0),
        duration_s=duration,
        face=face or FaceChoice(),
        all_faces=all_faces,
    )
    display = _display(quiet=quiet, json=json)
    with display.shown():
        settings = _overridden(
            load_settings(profile),
            _given(when_longer=when_longer, when_shorter=when_shorter, idle=idle),
            encoding=_given(
                codec=codec, crf=crf, preset=preset, encoder=encoder, compatible=compatible
            ),
            serving=_given(
                stall_timeout_s=stall_timeout,
                transport=transport,
                key_file=key_file,
                tls_ca=tls_ca,
                tls_certificate=tls_certificate,
                tls_key=tls_key,
            ),
        )
        report = _generated(request, settings, display)
        if json:
            show(report.model_dump_json(indent=2))
    if not json and not quiet:
        show(_summary(report))


def _given(**values: object) -> dict[str, object]:
    """The options that were set."""
    return {name: value for name, value in values.items() if value is not None}


def _display(*, quiet: bool, json: bool) -> Display:
    if quiet:
        return Quiet()
    return Events() if json else Bars()


def _generated(request: Request, settings: Settings, display: Display) -> Report:
    state = JobState(display)

    async def work() -> Report:
        async with watched(display, state):
            return await generate(request, settings, state)

    return run(
        work(),
        on_asked=lambda: display.answer(state.now()),
        is_done=lambda: state.is_written,
    )


def _overridden(
    settings: Settings, top: dict[str, object], **sections: dict[str, object]
) -> Settings:
    """The command line wins over the profile."""
    parts = {
        name: getattr(settings, name).model_copy(update=update) for name, update in sections.items()
    }
    return settings.model_copy(update=top | parts)


def _summary(report: Report) -> str:
    return (
        f"{printable(report.output)}: {report.frames} frames, {report.duration_s:.2f} s, "
        f"{report.end_to_end_fps:.1f} frames per second end to end"
    )
