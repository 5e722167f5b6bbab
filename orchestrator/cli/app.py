"""The command line: the commands and their options."""

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.bars import Bars
from orchestrator.cli.running import run, show
from orchestrator.media.playback import WhenLonger
from orchestrator.pipeline.job import Request, generate
from orchestrator.pipeline.progress import Silent
from orchestrator.pipeline.report import Report
from orchestrator.server.command import Device
from orchestrator.server.embedded import EmbeddedServer
from orchestrator.server.serve import serve
from orchestrator.settings import Settings, home, load_settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        show(metadata.version("lipsync"))
        raise typer.Exit


@app.callback()
def describe(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """A video of a person saying a recording: models on NVIDIA Triton, frames streamed to it."""


@app.command("generate")
def generate_command(
    video: Annotated[
        Path, typer.Option("--video", "-v", help="Clip or photo of the person.", metavar="FILE")
    ],
    audio: Annotated[Path, typer.Option("--audio", "-a", help="Speech recording.", metavar="FILE")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="MP4 file to write.", metavar="FILE")
    ],
    url: Annotated[
        str | None,
        typer.Option(
            help="gRPC endpoint of a Triton server, such as localhost:8001. "
            "Without it the embedded server is started for this job.",
            metavar="HOST:PORT",
        ),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Profile in configs/, or a YAML file.", metavar="NAME|FILE")
    ] = "default",
    when_longer: Annotated[
        WhenLonger | None,
        typer.Option(
            help="What the clip does when the recording is longer: bounce, loop, freeze or cut; "
            "the profile's by default.",
            metavar="MODE",
        ),
    ] = None,
    crf: Annotated[
        int | None,
        typer.Option(
            help="H.264 quality, smaller is better and larger; the profile's by default.",
            min=0,
            max=51,
        ),
    ] = None,
    stall_timeout: Annotated[
        float | None,
        typer.Option(
            help="Seconds that one request may stay unanswered; the profile's by default.",
            metavar="SECONDS",
            min=1,
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON report on standard output.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Make a video of the person in VIDEO speaking AUDIO.

    Example: orchestrator generate --video me.mp4 --audio speech.wav --output talking.mp4
    """
    settings = _overridden(load_settings(profile), when_longer, crf, stall_timeout)
    request = Request(video=video, audio=audio, output=output, url=url)
    report = run(_generate(request, settings, quiet=quiet))
    if json:
        show(report.model_dump_json(indent=2))
    elif not quiet:
        show(
            f"{report.output}: {report.frames} frames, {report.duration_s:.2f} s, "
            f"{report.end_to_end_fps:.1f} frames per second end to end"
        )


@app.command("serve")
def serve_command(
    repository: Annotated[
        Path | None,
        typer.Option(help="Model repository; the project's own by default.", metavar="FOLDER"),
    ] = None,
    grpc_port: Annotated[int, typer.Option(help="gRPC port on the loopback interface.")] = 8001,
    http_port: Annotated[int, typer.Option(help="HTTP port on the loopback interface.")] = 8000,
    metrics_port: Annotated[
        int, typer.Option(help="Prometheus port on the loopback interface.")
    ] = 8002,
    device: Annotated[
        Device,
        typer.Option(
            help="Where models run: auto, cpu or cuda; cuda fails when it cannot be used.",
            metavar="DEVICE",
        ),
    ] = "auto",
    log_file: Annotated[
        Path | None, typer.Option(help="Server log; a temporary file by default.", metavar="FILE")
    ] = None,
) -> None:
    """Start the embedded Triton server and keep it until Ctrl-C.

    Then, from another terminal: orchestrator generate --url 127.0.0.1:8001 ...
    """
    run(
        serve(
            repository or home() / "model_repository",
            grpc_port=grpc_port,
            http_port=http_port,
            metrics_port=metrics_port,
            device=device,
            log_file=log_file,
            on_ready=_announce,
        )
    )


def _announce(server: EmbeddedServer) -> None:
    show(f"serving {', '.join(server.models)} at {server.url} (gRPC); log: {server.log_file}")
    show(f"metrics: {server.metrics_url}; stop with Ctrl-C")


async def _generate(request: Request, settings: Settings, *, quiet: bool) -> Report:
    if quiet:
        return await generate(request, settings, Silent())
    with Bars() as bars:
        return await generate(request, settings, bars)


def _overridden(
    settings: Settings,
    when_longer: WhenLonger | None,
    crf: int | None,
    stall_timeout_s: float | None,
) -> Settings:
    """The command line wins over the profile."""
    encoding = settings.encoding.model_copy(update=_given(crf=crf))
    serving = settings.serving.model_copy(update=_given(stall_timeout_s=stall_timeout_s))
    update = _given(when_longer=when_longer, encoding=encoding, serving=serving)
    return settings.model_copy(update=update)


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
