"""Options of every command that makes something of a clip and a recording."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from client.connection import TransportChoice
from client.errors import InputError
from orchestrator.cli.values import length_s, time_s
from orchestrator.faces.choice import FaceChoice
from orchestrator.media.playback import WhenLonger
from orchestrator.settings import Idle, Settings, WhenShorter

_TIMING = "Clip and recording"
_FACES = "Faces"
RUNNING = "Running"


def _face(text: str) -> FaceChoice:
    try:
        return FaceChoice.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


VideoFile: TypeAlias = Annotated[
    Path, typer.Option("--video", "-v", help="Clip or photo of the person.", metavar="FILE")
]
AudioFile: TypeAlias = Annotated[
    Path, typer.Option("--audio", "-a", help="Speech recording.", metavar="FILE")
]
Longer: TypeAlias = Annotated[
    WhenLonger | None,
    typer.Option(
        help="The recording is longer than the clip: bounce (back and forth; the usual), loop "
        "(from the start), freeze (last frame) or cut (end with the clip).",
        metavar="MODE",
        rich_help_panel=_TIMING,
    ),
]
Shorter: TypeAlias = Annotated[
    WhenShorter | None,
    typer.Option(
        help="The recording is shorter than the clip: cut (end with the recording; the usual) "
        "or pad (go on to the clip's end with the mouth at rest).",
        metavar="MODE",
        rich_help_panel=_TIMING,
    ),
]
Start: TypeAlias = Annotated[
    Fraction | None,
    typer.Option(
        parser=time_s,
        help="Where in the clip to begin: seconds or H:MM:SS; its start by default.",
        metavar="TIME",
        rich_help_panel=_TIMING,
    ),
]
Duration: TypeAlias = Annotated[
    Fraction | None,
    typer.Option(
        parser=length_s,
        help="How much of the clip to use from there; all of it by default.",
        metavar="TIME",
        rich_help_panel=_TIMING,
    ),
]
Face: TypeAlias = Annotated[
    FaceChoice | None,
    typer.Option(
        parser=_face,
        help="Who speaks: largest (the usual), index:N (from the left, beginning with 0) or "
        "point:X,Y (in pixels, or as fractions such as point:0.3,0.5).",
        metavar="WHO",
        rich_help_panel=_FACES,
    ),
]
AllFaces: TypeAlias = Annotated[
    bool,
    typer.Option("--all-faces", help="Everybody in the clip speaks.", rich_help_panel=_FACES),
]
Idling: TypeAlias = Annotated[
    Idle | None,
    typer.Option(
        help="What the people in a photo do beside speaking: still (the usual), or breathe "
        "(they move a little).",
        metavar="MODE",
        rich_help_panel=_FACES,
    ),
]
Restore: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--restore/--no-restore",
        help="Restore the detail of the faces that speak with the profile's face_restoration "
        "model, or leave them; by default faces are restored where the profile names one.",
        rich_help_panel=_FACES,
    ),
]
Url: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="gRPC endpoint of a Triton server, such as localhost:8001, or grpcs://HOST:PORT "
        "over TLS. Without it the embedded server is started for this job.",
        metavar="HOST:PORT",
        rich_help_panel=RUNNING,
    ),
]
Transport: TypeAlias = Annotated[
    TransportChoice | None,
    typer.Option(
        help="How frames reach the server: auto (shared memory where the server sees it; the "
        "usual), shared-memory or grpc (in messages).",
        metavar="WAY",
        rich_help_panel=RUNNING,
    ),
]
Profile: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Profile in configs/, or a YAML file; it holds the defaults of the other options.",
        metavar="NAME|FILE",
        rich_help_panel=RUNNING,
    ),
]
StallTimeout: TypeAlias = Annotated[
    float | None,
    typer.Option(
        help="Seconds without any progress of a model; usually 120.",
        metavar="SECONDS",
        min=1,
        rich_help_panel=RUNNING,
    ),
]
BeQuiet: TypeAlias = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel=RUNNING),
]


def chosen(face: FaceChoice | None, *, all_faces: bool) -> FaceChoice:
    """Who speaks.

    Raises:
        typer.BadParameter: If one person and everybody were asked for.
    """
    if face is not None and all_faces:
        raise typer.BadParameter("everybody speaks with --all-faces: leave out one of the two")
    return face or FaceChoice()


def given(**values: object) -> dict[str, object]:
    """The options that were set."""
    return {name: value for name, value in values.items() if value is not None}


def restoring(settings: Settings, restore: bool | None) -> Settings:
    """Faces are restored as the command line wishes.

    Raises:
        InputError: If they are to be restored, and the profile names no model for it.
    """
    if restore and settings.models.face_restoration is None:
        raise InputError(
            "--restore needs a model that restores faces, and the profile names none: export one "
            "and name it under models, face_restoration in the profile."
        )
    if restore is not False:
        return settings
    models = settings.models.model_copy(update={"face_restoration": None})
    return settings.model_copy(update={"models": models})


def overridden(
    settings: Settings, top: dict[str, object], **sections: dict[str, object]
) -> Settings:
    """The command line wins over the profile."""
    parts = {
        name: getattr(settings, name).model_copy(update=update) for name, update in sections.items()
    }
    return settings.model_copy(update=top | parts)
